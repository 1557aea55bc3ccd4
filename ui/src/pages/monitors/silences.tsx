import { Button, Checkbox, Modal, Select } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { post, request } from '@/api/client'
import * as ask from '@/api/monitors'
import type { Repeats, Silence } from '@/api/monitors'
import { useReturnedFocus } from '@/lib/focus'
import { zoneOf } from '@/lib/local'
import { serverNow } from '@/lib/now'
import { useAddress } from '@/lib/search'
import { zones } from '@/lib/zones'
import { LimitedTextarea } from '@/parts/limited'
import { Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** When nobody is told: for one monitor or for all, once or at the same times again and again. */
export default function Silences() {
  const [address, change] = useAddress()
  const access = useAccess()
  const past = address.past === '1'
  const silences = useQuery(ask.silences(past))
  const monitors = useQuery(ask.monitors)
  const nameOf = (id: string) => monitors.data?.items.find((one) => one.id === id)?.name ?? id
  return (
    <Section
      title="Silences"
      note="incidents still open; messages wait and are not sent if the incident has resolved by then"
      end={
        <span className="line">
          <Button variant="default" size="compact-xs" aria-pressed={past} onClick={() => change({ past: past ? undefined : '1' }, true)}>{past ? 'Hide those that ended' : 'Show those that ended'}</Button>
          {access.write && <Button size="compact-xs" onClick={() => change({ do: 'silence' })}>Silence…</Button>}
        </span>
      }
    >
      <Loaded query={silences} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No silences"><p className="second prose">A silence holds back messages during planned work or a known problem. {access.why}</p></Empty>
          ) : (
            <Table label="Silences" rows={items} columns={columnsOf(nameOf, access.write)} rowKey={(row) => row.id} />
          )
        }
      </Loaded>
      {access.write && address.do === 'silence' && <NewSilence monitors={monitors.data?.items.map((one) => ({ value: one.id, label: one.name })) ?? []} onClose={() => change({ do: undefined }, true)} />}
    </Section>
  )
}

const columnsOf = (nameOf: (id: string) => string, write: boolean): Column<Silence>[] => [
  { id: 'subject', head: 'About', className: 'nowrap', cell: (row) => (row.subject ? <Link to="/monitors/$monitorId" params={{ monitorId: row.subject }}>{nameOf(row.subject)}</Link> : <strong>everything</strong>) },
  { id: 'reason', head: 'Reason', className: 'main-cell', cell: (row) => <div className="cut" title={row.reason}>{row.reason}</div> },
  { id: 'when', head: 'When', cell: (row) => <When silence={row} /> },
  { id: 'ends', head: 'Until', className: 'num', cell: (row) => (row.ends_at ? <Time at={row.ends_at} full /> : <span className="second">ended by hand</span>) },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => <Person actor={row.by} /> },
  { id: 'end', head: <span className="sr">End it</span>, className: 'num', cell: (row) => write && (!row.ends_at || new Date(row.ends_at).getTime() > serverNow()) && <EndNow silence={row} /> },
]

function When({ silence }: { silence: Silence }) {
  const again = silence.repeats
  return (
    <div className="stack" style={{ gap: 0 }}>
      {again ? <span>{daysOf(again)} <span className="nowrap">{again.from}–{again.until}</span> <span className="second">{again.time_zone}</span></span> : <span>once, from <Time at={silence.starts_at} full /></span>}
      {silence.silent_until ? <span className="small">silent now, until <Time at={silence.silent_until} full /></span> : silence.next_at && again && <span className="second small">next <Time at={silence.next_at} full /></span>}
    </div>
  )
}

const DAYS = [['mon', 'Mon'], ['tue', 'Tue'], ['wed', 'Wed'], ['thu', 'Thu'], ['fri', 'Fri'], ['sat', 'Sat'], ['sun', 'Sun']].map(([value, label]) => ({ value: value!, label: label! }))

const daysOf = (again: Repeats) => (again.days.length === DAYS.length ? 'every day' : DAYS.filter((day) => again.days.includes(day.value)).map((day) => day.label).join(', '))

function EndNow({ silence }: { silence: Silence }) {
  const client = useQueryClient()
  const end = useMutation({
    mutationFn: () => request('DELETE', `/silences/${encodeURIComponent(silence.id)}`),
    onSuccess: async () => {
      notifications.show({ message: 'The silence has ended. Messages that were waiting are being sent.', autoClose: 5000 })
      await Promise.all(['silences', 'monitors'].map((key) => client.invalidateQueries({ queryKey: [key] })))
    },
  })
  if (end.isError) return <ProblemNote error={end.error} />
  return <Button variant="default" size="compact-xs" loading={end.isPending} aria-label={`End the silence: ${silence.reason}`} onClick={() => end.mutate()}>End now</Button>
}

const FOR = [['30', '30 minutes'], ['120', '2 hours'], ['480', '8 hours'], ['1440', '1 day'], ['10080', '1 week'], ['own', 'an own time'], ['again', 'again and again']].map(([value, label]) => ({ value: value!, label: label! }))

function NewSilence({ monitors, onClose }: { monitors: { value: string; label: string }[]; onClose: () => void }) {
  useReturnedFocus()
  const [subject, setSubject] = useState<string | null>(null)
  const [length, setLength] = useState('120')
  const [since, setSince] = useState('')
  const [until, setUntil] = useState('')
  const [again, setAgain] = useState<Repeats>({ days: DAYS.map((day) => day.value), from: '', until: '', time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone })
  const [reason, setReason] = useState('')
  const client = useQueryClient()
  const times = () => length === 'again' ? { repeats: again } : (length === 'own' ? { starts_at: since ? new Date(since).toISOString() : undefined, ends_at: new Date(until).toISOString() } : { minutes: Number(length) })
  const create = useMutation({
    mutationFn: () => post('/silences', { subject: subject ?? undefined, ...times(), reason: reason.trim() }),
    onSuccess: async () => {
      await Promise.all(['silences', 'monitors'].map((key) => client.invalidateQueries({ queryKey: [key] })))
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  const time = (label: string, value: string, set: (value: string) => void, required: boolean) => (
    <label className="small stack" style={{ gap: 2 }}>
      {label}
      <input className="time-field" type="datetime-local" required={required} value={value} onChange={(event) => set(event.currentTarget.value)} />
    </label>
  )
  return (
    <Modal opened onClose={onClose} title={<strong>Silence</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <Select label="What" placeholder="everything in this project" clearable searchable data={monitors} value={subject} onChange={setSubject} openOnFocus={false} data-autofocus />
        <Select label="For" data={FOR} value={length} allowDeselect={false} onChange={(value) => value && setLength(value)} />
        {length === 'own' && <div className="line">{time(`From (${zoneOf(since)}); leave empty for now`, since, setSince, false)}{time(`Until (${zoneOf(until)})`, until, setUntil, true)}</div>}
        {length === 'again' && <Again value={again} onChange={setAgain} />}
        <LimitedTextarea label="Reason" most={2000} description="Recorded in the audit log under your name." required autosize minRows={2} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {create.isError && <ProblemNote error={create.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={create.isPending} disabled={!reason.trim() || (length === 'own' && !until) || (length === 'again' && !(again.from && again.until && again.days.length))}>Silence it</Button>
        </div>
      </form>
    </Modal>
  )
}


function Again({ value, onChange }: { value: Repeats; onChange: (value: Repeats) => void }) {
  const clock = (label: string, name: 'from' | 'until') => (
    <label className="small stack" style={{ gap: 2 }}>
      {label}
      <input className="time-field" type="time" required value={value[name]} onChange={(event) => onChange({ ...value, [name]: event.currentTarget.value })} />
    </label>
  )
  return (
    <>
      <Checkbox.Group label="On" description="The days on which it starts." value={value.days} onChange={(days) => onChange({ ...value, days })}>
        <span className="line" style={{ marginTop: 4 }}>{DAYS.map((day) => <Checkbox key={day.value} size="xs" value={day.value} label={day.label} />)}</span>
      </Checkbox.Group>
      <div className="line" style={{ alignItems: 'end' }}>
        {clock('From', 'from')}
        {clock('Until', 'until')}
        <Select label="Time zone" searchable allowDeselect={false} data={zones(value.time_zone)} value={value.time_zone} onChange={(time_zone) => time_zone && onChange({ ...value, time_zone })} style={{ flex: 1 }} />
      </div>
      <p className="second small prose">An end time before the start time is on the next day. The silence repeats until somebody ends it.</p>
    </>
  )
}
