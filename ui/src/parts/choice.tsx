import { Menu, ScrollArea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconChevronDown, IconX } from '@tabler/icons-react'
import { useState } from 'react'
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
  const button = (
    <button type="button" className="filter" data-set={value !== undefined}>
      <span className="cut">{value === undefined ? name : `${name}: ${shown ?? value}`}</span>
      {value === undefined && <IconChevronDown size={13} aria-hidden />}
    </button>
  )
  const menu = (
    <Menu position="bottom-start" onOpen={onOpen}>
      <Menu.Target>{button}</Menu.Target>
      <Menu.Dropdown>
        <ScrollArea.Autosize mah={320}>
          {options.length === 0 && <Menu.Item disabled>Nothing to choose from yet</Menu.Item>}
          {options.map((option) => (
            <Menu.Item key={option.value} onClick={() => onChange(option.value)} rightSection={option.n !== undefined && <span className="quiet small">{count(option.n)}</span>}>
              {option.label ?? option.value}
            </Menu.Item>
          ))}
        </ScrollArea.Autosize>
      </Menu.Dropdown>
    </Menu>
  )
  if (value === undefined) return menu
  return (
    <span className="filter-set">
      {menu}
      <Remove name={name} onRemove={() => onChange(undefined)} />
    </span>
  )
}

/** Its values are counted when it is opened, not before. */
export function FacetChoice({ field, ...rest }: Omit<ChoiceProps, 'options'> & { field: string }) {
  const [opened, setOpened] = useState(false)
  const facets = useQuery({ ...ask.values(field), enabled: opened })
  return <Choice {...rest} onOpen={() => setOpened(true)} options={facets.data?.items ?? []} />
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
