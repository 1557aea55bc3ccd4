import { Button, Select, TagsInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconPlus, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { isListed, values } from '@/api/search'
import { fieldOf, type Held, leavesOut, openIn, SEARCH, turned } from '@/lib/match'
import { FieldSelect } from './field-select'
import { SearchLine } from './search-line'

interface MatchProps {
  held: Held[]
  fields: readonly string[]
  onChange: (held: Held[]) => void
  /** What it means to say nothing. */
  empty: string
  /** Fields of one value: another takes its place. What has one line of the list at most says nothing of what is left out. */
  single?: (field: string) => boolean
  /** Whether a field may also say what is left out. */
  out?: boolean
}

export function Match({ held, fields, onChange, empty, single = () => false, out = false }: MatchProps) {
  const taken = new Set(held.map((one) => one.field))
  const free = fields.filter((field) => !taken.has(field))
  return (
    <div className="stack" style={{ gap: '0.4rem' }}>
      {held.length === 0 && <p className="second">{empty}</p>}
      {held.map((one, i) => (
        <Row key={i} one={one} single={single(fieldOf(one.field))} out={out && !(fieldOf(one.field) === SEARCH && single(SEARCH)) && !taken.has(turned(one.field, !leavesOut(one.field)))} fields={fields.filter((field) => fieldOf(one.field) === field || !taken.has(turned(field, leavesOut(one.field))))} onChange={(next) => onChange(held.map((other, at) => (at === i ? { ...other, ...next } : other)))} onRemove={() => onChange(held.filter((_, at) => at !== i))} />
      ))}
      {/* In one line: what appears and goes below it moves the button away from under the pointer that clicks it. */}
      <div className="line tight" style={{ flexWrap: 'nowrap', minHeight: '1.4rem' }}>
        {free.length > 0 && <Button variant="default" size="compact-xs" style={{ flex: 'none' }} leftSection={<IconPlus size={12} aria-hidden />} onClick={() => onChange([...held, { field: free[0]!, values: [] }])}>Add a filter</Button>}
        {openIn(held) && <span className="second small cut">Give {fieldOf(openIn(held)!)} a value, or remove the filter.</span>}
      </div>
    </div>
  )
}

interface RowProps {
  one: Held
  single: boolean
  out: boolean
  fields: string[]
  onChange: (next: Partial<Held>) => void
  onRemove: () => void
}

const WAYS = [{ value: 'is', label: 'is' }, { value: 'not', label: 'is not' }]
const FIXED: Record<string, string[]> = { status: ['ok', 'error', 'unset'], arm: ['baseline', 'candidate'] }

function Row({ one, single, out, fields, onChange, onRemove }: RowProps) {
  const [opened, setOpened] = useState(false)
  const field = fieldOf(one.field)
  const not = leavesOut(one.field)
  const seen = useQuery({ ...values(field), enabled: opened && isListed(field) })
  return (
    <div className="match-row" data-ways={out || not} data-line={field === SEARCH}>
      <div><FieldSelect aria-label="Field" known={fields} value={field} allowDeselect={false} onChange={(next) => next && onChange({ field: turned(next, not), values: [] })} /></div>
      {(out || not) && <div><Select aria-label={`Whether ${field} is or is not`} data={WAYS} value={not ? 'not' : 'is'} allowDeselect={false} disabled={!out} onChange={(way) => onChange({ field: turned(field, way === 'not'), values: single ? one.values.slice(-1) : one.values })} /></div>}
      <div className="values">{field === SEARCH ? <Lines held={one.values} single={single} onChange={(next) => onChange({ values: next })} /> : <TagsInput aria-label={`Values of ${field}`} placeholder={one.values.length ? '' : 'a value, Enter'} data={FIXED[field] ?? seen.data?.items.map((facet) => facet.value) ?? []} value={one.values} onFocus={() => setOpened(true)} onChange={(next) => onChange({ values: single && !not ? next.slice(-1) : next })} acceptValueOnBlur clearable />}</div>
      <button type="button" className="icon-button" style={{ minHeight: '2.1rem' }} aria-label={`Remove the filter ${field}`} onClick={onRemove}><IconX size={15} aria-hidden /></button>
    </div>
  )
}

/** Lines of the list of traces, of which one must find what is kept. */
function Lines({ held, single, onChange }: { held: string[]; single: boolean; onChange: (lines: string[]) => void }) {
  const [more, setMore] = useState(false)
  const shown = more || held.length === 0 ? [...held, ''] : held
  const put = (at: number, line: string) => {
    setMore(false)
    onChange(shown.map((old, i) => (i === at ? line : old)).filter(Boolean))
  }
  return (
    <div className="stack" style={{ gap: '0.3rem' }}>
      {shown.map((line, i) => <div key={i} className="line"><SearchLine field label={i === 0 ? 'Line of the search' : `Or line ${i + 1} of the search`} q={line} onSearch={(next) => put(i, next)} /></div>)}
      {!single && !more && held.length > 0 && <div><Button variant="default" size="compact-xs" leftSection={<IconPlus size={12} aria-hidden />} onClick={() => setMore(true)}>Or what another line finds</Button></div>}
    </div>
  )
}
