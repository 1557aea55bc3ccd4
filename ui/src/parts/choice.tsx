import { Checkbox, Menu, ScrollArea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconChevronDown, IconX } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import * as ask from '@/api/search'
import { count } from '@/lib/format'

export interface Option {
  value: string
  label?: string
  n?: number
}

interface ChoiceProps {
  name: string
  value: string | undefined
  shown?: string
  options: Option[]
  onChange: (value: string | undefined) => void
  onOpen?: () => void
}

/** A filter that is chosen from a list; once set, it shows its value and can be taken away. */
export function Choice({ name, value, shown, options, onChange, onOpen }: ChoiceProps) {
  return (
    <Listed name={name} shown={value === undefined ? undefined : (shown ?? value)} onRemove={() => onChange(undefined)} onOpen={onOpen}>
      {options.map((option) => (
        <Menu.Item key={option.value} onClick={() => onChange(option.value)} rightSection={<Seen n={option.n} />}>{option.label ?? option.value}</Menu.Item>
      ))}
    </Listed>
  )
}

interface ChoicesProps {
  name: string
  values: string[]
  /** How a value is called that is not, or not yet, among the options. */
  nameOf?: (value: string) => string
  options: Option[]
  onChange: (values: string[]) => void
  onOpen?: () => void
}

/** The same with several values, of which one must hold; the list stays open while they are marked. */
export function Choices({ name, values, nameOf, options, onChange, onOpen }: ChoicesProps) {
  const own = values.filter((value) => !options.some((option) => option.value === value)).map((value): Option => ({ value, label: nameOf?.(value) }))
  const all = [...own, ...options]
  const labelOf = (value: string) => all.find((option) => option.value === value)?.label ?? value
  const toggled = (value: string) => (values.includes(value) ? values.filter((one) => one !== value) : [...values, value])
  return (
    <Listed name={name} shown={values.length === 0 ? undefined : values.map(labelOf).join(', ')} onRemove={() => onChange([])} onOpen={onOpen} stays>
      {all.map((option) => (
        <Menu.Item
          key={option.value}
          onClick={() => onChange(toggled(option.value))}
          leftSection={<Checkbox size="xs" checked={values.includes(option.value)} readOnly tabIndex={-1} aria-hidden />}
          rightSection={<Seen n={option.n} />}
        >
          {option.label ?? option.value}
          {values.includes(option.value) && <span className="sr">, chosen</span>}
        </Menu.Item>
      ))}
    </Listed>
  )
}

interface ListedProps {
  name: string
  /** What it says; undefined: it is not set. */
  shown: string | undefined
  onRemove: () => void
  onOpen?: () => void
  stays?: boolean
  children: ReactNode[]
}

function Listed({ name, shown, onRemove, onOpen, stays, children }: ListedProps) {
  // In the same place whether it is set or not: a menu that stays open is not to be drawn anew.
  return (
    <span className={shown === undefined ? undefined : 'filter-set'}>
      <Menu position="bottom-start" onOpen={onOpen} closeOnItemClick={!stays}>
        <Menu.Target>
          <button type="button" className="filter" data-set={shown !== undefined}>
            <span className="cut" title={shown}>{shown === undefined ? name : `${name}: ${shown}`}</span>
            {shown === undefined && <IconChevronDown size={13} aria-hidden />}
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <ScrollArea.Autosize mah={320}>
            {children.length === 0 && <Menu.Item disabled>No values yet</Menu.Item>}
            {children}
          </ScrollArea.Autosize>
        </Menu.Dropdown>
      </Menu>
      {shown !== undefined && <Remove name={name} onRemove={onRemove} />}
    </span>
  )
}

function Seen({ n }: { n: number | undefined }) {
  return n === undefined ? null : <span className="quiet small">{count(n)}</span>
}

/** Its values are counted when it is opened, not before. */
export function FacetChoice({ field, ...rest }: Omit<ChoiceProps, 'options' | 'onOpen'> & { field: string }) {
  const [options, open] = useFacets(field)
  return <Choice {...rest} onOpen={open} options={options} />
}

export function FacetChoices({ field, ...rest }: Omit<ChoicesProps, 'options' | 'onOpen'> & { field: string }) {
  const [options, open] = useFacets(field)
  return <Choices {...rest} onOpen={open} options={options} />
}

function useFacets(field: string): [Option[], () => void] {
  const [opened, setOpened] = useState(false)
  const facets = useQuery({ ...ask.values(field), enabled: opened })
  return [facets.data?.items ?? [], () => setOpened(true)]
}

/** A filter that was typed or came by a link: shown so that it can be seen and taken away. */
export function FilterChip({ name, shown, onRemove }: { name: string; shown: string; onRemove: () => void }) {
  return (
    <span className="filter-set">
      <span className="filter" data-set="true"><span className="cut" title={shown}>{shown}</span></span>
      <Remove name={name} onRemove={onRemove} />
    </span>
  )
}

function Remove({ name, onRemove }: { name: string; onRemove: () => void }) {
  return (
    <button type="button" className="filter" data-set="true" aria-label={`Remove the filter ${name}`} onClick={onRemove}>
      <IconX size={13} aria-hidden />
    </button>
  )
}
