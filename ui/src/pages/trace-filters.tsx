import { Menu, ScrollArea, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { IconChevronDown, IconSearch, IconX } from '@tabler/icons-react'
import { useEffect, useRef, useState } from 'react'
import * as ask from '@/api/queries'
import { count, shortId } from '@/lib/format'
import { useKeys } from '@/lib/keys'
import { RANGES, rangeName } from '@/lib/range'
import type { Search } from '@/lib/search'
import { releaseName, useReleaseName } from '@/parts/links'

type Change = (change: Search, replace?: boolean) => void

const STATUSES = [{ value: 'ok' }, { value: 'error' }, { value: 'unset', label: 'no status' }]
const ARMS = [{ value: 'baseline' }, { value: 'candidate' }]
/** Filters that arrive by link only: shown so that they can be seen and taken away. */
const BY_LINK = ['provider', 'session', 'kind', 'run', 'environment', 'tag', 'score', 'min_latency_ms', 'max_latency_ms', 'min_cost', 'since', 'until']

/** Every filter lives in the address. */
export function TraceFilters({ address, change }: { address: Search; change: Change }) {
  const channels = useQuery(ask.channels)
  const releases = useQuery(ask.releaseNames)
  const release = useReleaseName(address.release)
  return (
    <div className="filters" role="search">
      <TextSearch text={address.text ?? ''} onChange={(text) => change({ text: text || undefined }, true)} />
      <Choice name="Time" value={address.range} shown={address.range && rangeName(address.range)} options={RANGES.map((range) => ({ value: range, label: rangeName(range) }))} onChange={(range) => change({ range, since: undefined, until: undefined })} />
      <Choice name="Status" value={address.status} options={STATUSES} onChange={(status) => change({ status })} />
      <FacetChoice name="Model" field="model" value={address.model} onChange={(model) => change({ model })} />
      <FacetChoice name="User" field="user" value={address.user} onChange={(user) => change({ user })} />
      <FacetChoice name="Name" field="name" value={address.name} onChange={(name) => change({ name })} />
      <Choice
        name="Release"
        value={address.release}
        shown={address.release && release}
        options={(releases.data?.items ?? []).map((one) => ({ value: one.id, label: releaseName(one) }))}
        onChange={(value) => change({ release: value })}
      />
      <Choice name="Channel" value={address.channel} options={(channels.data?.items ?? []).map((one) => ({ value: one.name }))} onChange={(channel) => change({ channel })} />
      <Choice name="Arm" value={address.arm} options={ARMS} onChange={(arm) => change({ arm })} />
      {BY_LINK.filter((name) => address[name]).map((name) => (
        <Choice key={name} name={name.replaceAll('_', ' ')} value={address[name]} shown={shortId(address[name]!)} options={[]} onChange={() => change({ [name]: undefined })} />
      ))}
    </div>
  )
}

function TextSearch({ text, onChange }: { text: string; onChange: (text: string) => void }) {
  const [typed, setTyped] = useState(text)
  const field = useRef<HTMLInputElement>(null)
  const send = useDebouncedCallback(onChange, 250)
  useEffect(() => setTyped(text), [text])
  useKeys([{ keys: '/', does: 'Search in the text', run: () => field.current?.focus() }])
  return (
    <TextInput
      ref={field}
      size="xs"
      w={{ base: '100%', xs: 230 }}
      placeholder="Text in inputs and outputs"
      aria-label="Text in inputs and outputs"
      leftSection={<IconSearch size={14} aria-hidden />}
      rightSection={!typed && <kbd aria-hidden>/</kbd>}
      value={typed}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        send(event.currentTarget.value.trim())
      }}
      onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
    />
  )
}

interface Option {
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

function FacetChoice({ field, ...rest }: Omit<ChoiceProps, 'options'> & { field: string }) {
  const [opened, setOpened] = useState(false)
  const facets = useQuery({ ...ask.facets(field), enabled: opened })
  return <Choice {...rest} onOpen={() => setOpened(true)} options={facets.data?.items ?? []} />
}

function Choice({ name, value, shown, options, onChange, onOpen }: ChoiceProps) {
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
      <button type="button" className="filter" data-set="true" aria-label={`Remove the filter ${name}`} onClick={() => onChange(undefined)}>
        <IconX size={13} aria-hidden />
      </button>
    </span>
  )
}
