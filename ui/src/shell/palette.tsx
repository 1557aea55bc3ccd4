import { Modal, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconArrowRight } from '@tabler/icons-react'
import { type KeyboardEvent, useMemo, useState } from 'react'
import * as ask from '@/api/queries'
import { releaseName } from '@/parts/links'
import { PLACES } from './places'

interface Entry {
  id: string
  label: string
  hint: string
  href: string
}

const SHOWN = 12
const SETTINGS = ['providers', 'feedback', 'quotas', 'sampling', 'flags', 'retention', 'privacy', 'exports', 'forwarding', 'backups']

/** Ctrl-K: every page, every release and channel, a trace by its id, a search for any text. */
export function Palette({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={<span className="quiet">Go to</span>} size="lg" yOffset="12vh" centered={false} closeButtonProps={{ 'aria-label': 'Close' }}>
      {opened && <Finder onClose={onClose} />}
    </Modal>
  )
}

function Finder({ onClose }: { onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const [index, setIndex] = useState(0)
  const navigate = useNavigate()
  const found = matching(useEntries(), typed)
  const open = (entry: Entry | undefined) => {
    if (!entry) return
    onClose()
    void navigate({ href: entry.href })
  }
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') open(found[index])
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step === 0) return
    event.preventDefault()
    setIndex((index + step + found.length) % found.length)
  }
  return (
    <div onKeyDown={press}>
      <TextInput
        data-autofocus
        placeholder="Go to a page, release or channel, or paste a trace id"
        aria-label="Command or place"
        role="combobox"
        aria-expanded
        aria-controls="palette-list"
        aria-activedescendant={found[index] && `palette-${found[index].id}`}
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          setIndex(0)
        }}
      />
      <ul className="palette-list" id="palette-list" role="listbox" aria-label="Results">
        {found.map((entry, i) => (
          <li key={entry.id} id={`palette-${entry.id}`} role="option" aria-selected={i === index} onMouseMove={() => setIndex(i)} onClick={() => open(entry)}>
            <IconArrowRight size={14} className="quiet" aria-hidden />
            <span className="cut">{entry.label}</span>
            <span className="hint nowrap">{entry.hint}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

function useEntries(): Entry[] {
  const releases = useQuery(ask.releaseNames)
  const channels = useQuery(ask.channels)
  return useMemo(
    () => [
      ...PLACES.map((place) => ({ id: place.key, label: place.name, hint: `g ${place.key}`, href: place.to })),
      ...(channels.data?.items ?? []).flatMap((channel) => [
        { id: `c-${channel.name}`, label: channel.name, hint: 'channel', href: `/channels/${encodeURIComponent(channel.name)}` },
        { id: `cp-${channel.name}`, label: `Promote a release to ${channel.name}…`, hint: 'action', href: `/channels/${encodeURIComponent(channel.name)}?do=promote` },
        { id: `cr-${channel.name}`, label: `Roll back ${channel.name}…`, hint: 'action', href: `/channels/${encodeURIComponent(channel.name)}?do=rollback` },
      ]),
      ...(releases.data?.items ?? []).map((one) => ({ id: one.id, label: releaseName(one), hint: 'release', href: `/releases/${one.id}` })),
      { id: 'new-monitor', label: 'New monitor…', hint: 'action', href: '/monitors/new' },
      ...SETTINGS.map((name) => ({ id: `s-${name}`, label: `Settings: ${name}`, hint: 'settings', href: `/settings?tab=${name}` })),
      { id: 'new-key', label: 'Create a key…', hint: 'action', href: '/settings?do=create-key' },
    ],
    [releases.data, channels.data],
  )
}

function matching(entries: Entry[], typed: string): Entry[] {
  const wanted = typed.trim().toLowerCase()
  if (!wanted) return entries.slice(0, SHOWN)
  const all = wanted.split(/\s+/)
  const found = entries.filter((entry) => all.every((word) => `${entry.label} ${entry.hint} ${entry.href}`.toLowerCase().includes(word)))
  if (/^[0-9a-f]{32}$/.test(wanted)) found.unshift({ id: 'trace', label: `Trace ${wanted}`, hint: 'trace', href: `/traces/${wanted}` })
  const text = { id: 'search', label: `Traces with “${typed.trim()}”`, hint: 'search', href: `/traces?q=${encodeURIComponent(typed.trim())}` }
  return [...found.slice(0, SHOWN), text]
}
