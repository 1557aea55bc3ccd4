import { Select, type SelectProps } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { values } from '@/api/search'
import { words } from '@/lib/format'

interface FieldSelectProps extends Omit<SelectProps, 'data' | 'value' | 'onChange' | 'onSearchChange' | 'searchable'> {
  /** Names of fields, and `tag:<key>` or `attribute:<key>` where any key will do. */
  known: readonly string[]
  value: string | null
  onChange: (field: string | null) => void
}

/** A field, or a tag or an attribute by its key: those that spans have are offered, and what is typed. */
export function FieldSelect({ known, value, onChange, ...rest }: FieldSelectProps) {
  const [typed, setTyped] = useState('')
  const kinds = known.filter((name) => name.endsWith(':<key>')).map((name) => name.replace('<key>', ''))
  const keys = useQuery({ ...values('attribute'), enabled: kinds.includes('attribute:') && typed.startsWith('attr') })
  const own = [value, typed].filter((name): name is string => kinds.some((kind) => name?.startsWith(kind) && name.length > kind.length))
  const seen = (keys.data?.items ?? []).map((one) => `attribute:${one.value}`)
  const offered = [...new Set([...known.filter((name) => !name.endsWith(':<key>')), ...own, ...seen])]
  // What is typed takes the place of the field that stands there.
  return <Select {...rest} searchable onFocus={(event) => event.currentTarget.select()} onSearchChange={setTyped} data={offered.map((name) => ({ value: name, label: name.includes(':') ? name : words(name) }))} value={value} onChange={onChange} />
}
