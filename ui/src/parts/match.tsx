import { Button, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { isListed, values } from '@/api/search'
import { type Held, openIn } from '@/lib/match'
import { FieldSelect } from './field-select'

interface MatchProps {
  held: Held[]
  fields: readonly string[]
  onChange: (held: Held[]) => void
  /** What it means to say nothing. */
  empty: string
  /** One value a field: another takes its place. */
  single?: boolean
}

export function Match({ held, fields, onChange, empty, single = false }: MatchProps) {
  const free = fields.filter((field) => !held.some((one) => one.field === field))
  return (
    <div className="stack" style={{ gap: '0.4rem' }}>
      {held.length === 0 && <p className="second">{empty}</p>}
      {held.map((one, i) => (
        <Row key={i} one={one} single={single} fields={[one.field, ...free]} onChange={(next) => onChange(held.map((other, at) => (at === i ? { ...other, ...next } : other)))} onRemove={() => onChange(held.filter((_, at) => at !== i))} />
      ))}
      {openIn(held) && <p className="second small">Give {openIn(held)} a value, or remove the filter.</p>}
      {free.length > 0 && <div><Button variant="default" size="compact-xs" leftSection={<IconPlus size={12} aria-hidden />} onClick={() => onChange([...held, { field: free[0]!, values: [] }])}>Add a filter</Button></div>}
    </div>
  )
}

interface RowProps {
  one: Held
  single: boolean
  fields: string[]
  onChange: (next: Partial<Held>) => void
  onRemove: () => void
}

function Row({ one, single, fields, onChange, onRemove }: RowProps) {
  const [opened, setOpened] = useState(false)
  const seen = useQuery({ ...values(one.field), enabled: opened && isListed(one.field) })
  return (
    <div className="match-row">
      <div><FieldSelect aria-label="Field" known={fields} value={one.field} allowDeselect={false} onChange={(field) => field && onChange({ field, values: [] })} /></div>
      <div className="values"><TagsInput aria-label={`Values of ${one.field}`} placeholder={one.values.length ? '' : 'a value, Enter'} data={seen.data?.items.map((facet) => facet.value) ?? []} value={one.values} onFocus={() => setOpened(true)} onChange={(next) => onChange({ values: single ? next.slice(-1) : next })} acceptValueOnBlur clearable /></div>
      <button type="button" className="icon-button" style={{ minHeight: '2.1rem' }} aria-label={`Remove the filter ${one.field}`} onClick={onRemove}><IconX size={15} aria-hidden /></button>
    </div>
  )
}
