import { Button, Menu } from '@mantine/core'
import { IconChevronDown, IconX } from '@tabler/icons-react'
import { useState } from 'react'
import { exact } from '@/lib/format'
import { chosen, local, zoneOf } from '@/lib/local'
import { RANGES, rangeName } from '@/lib/range'
import type { Search } from '@/lib/search'

/** The time a page looks at, as it stands in the address: `range` back from now, or `since` and `until`. */
export function TimeRange({ address, change }: { address: Search; change: (change: Search) => void }) {
  const [opened, open] = useState(false)
  const set = Boolean(address.range || address.since || address.until)
  const choose = (next: Search) => {
    open(false)
    change({ range: undefined, since: undefined, until: undefined, ...next })
  }
  const menu = (
    <Menu position="bottom-start" opened={opened} onChange={open}>
      <Menu.Target>
        <button type="button" className="filter" data-set={set} title={address.since || address.until ? whole(address) : undefined}>
          <span className="cut">{nameOf(address)}</span>
          {!set && <IconChevronDown size={13} aria-hidden />}
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {RANGES.map((range) => <Menu.Item key={range} onClick={() => choose({ range })}>{rangeName(range)}</Menu.Item>)}
        <Menu.Divider />
        <Between address={address} onChoose={choose} />
      </Menu.Dropdown>
    </Menu>
  )
  if (!set) return menu
  return (
    <span className="filter-set">
      {menu}
      <button type="button" className="filter" data-set="true" aria-label="Remove the filter Time" onClick={() => choose({})}>
        <IconX size={13} aria-hidden />
      </button>
    </span>
  )
}

function nameOf(address: Search): string {
  if (address.range) return rangeName(address.range)
  if (address.since && address.until) {
    const [since, until] = [short(address.since), short(address.until)]
    const [day, time] = until.split(', ')
    return `${since} to ${time !== undefined && since.startsWith(`${day}, `) ? time : until}` // of one day, the day once
  }
  if (address.since) return `Since ${short(address.since)}`
  return address.until ? `Until ${short(address.until)}` : 'Any time'
}

/** To the second and with the time zone, for where the name is cut. */
const whole = ({ since, until }: Search) => [since && `from ${exact(since)}`, until && `to ${exact(until)}`].filter(Boolean).join(' ').replace(/\.\d+ /g, ' ')

const short = (time: string) => exact(time).replace(/:\d\d\.\d+ .*/, '')

/** Own times, in the reader's time zone. */
function Between({ address, onChoose }: { address: Search; onChoose: (next: Search) => void }) {
  const [since, setSince] = useState(local(address.since))
  const [until, setUntil] = useState(local(address.until))
  const turned = Boolean(since && until && until <= since)
  const field = (label: string, value: string, set: (value: string) => void) => (
    <label className="small stack" style={{ gap: 2 }}>
      {label}
      <input className="time-field" type="datetime-local" value={value} onChange={(event) => set(event.currentTarget.value)} onKeyDown={(event) => event.stopPropagation()} />
    </label>
  )
  return (
    <div className="stack" style={{ gap: '0.5rem', padding: '0.3rem 0.6rem 0.5rem' }}>
      {field(`From (${zoneOf(since)})`, since, setSince)}
      {field(`To (${zoneOf(until)})`, until, setUntil)}
      {turned && <span className="small bad">It ends before it begins.</span>}
      <Button variant="default" disabled={(!since && !until) || turned} onClick={() => onChoose({ since: chosen(since, address.since), until: chosen(until, address.until) })}>Show this time</Button>
    </div>
  )
}

