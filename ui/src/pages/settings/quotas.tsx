import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { request, type Tagged } from '@/api/client'
import * as ask from '@/api/forwarding'
import type { IntakeDay, Quota, Quotas } from '@/api/forwarding'
import { capital, count, plural } from '@/lib/format'
import { portion } from '@/lib/money'
import { bytes } from '@/lib/size'
import { ReasonDialog } from '@/parts/dialog'
import { NumberBox } from '@/parts/number-field'
import { Section } from '@/parts/page'
import { Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const NAMES: Record<Quota, string> = { spans_per_day: 'Spans a day', bytes_per_day: 'Bytes a day', spans_per_month: 'Spans a month', bytes_per_month: 'Bytes a month' }
const amount = (quota: Quota, n: number | null) => (n === null ? 'none' : quota.startsWith('bytes') ? bytes(n) : count(n))

/** How much may come in, and how much has. */
export default function QuotaSettings() {
  const quotas = useQuery(ask.quotas)
  const days = useQuery(ask.intakeDays)
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Loaded query={quotas} lines={5}>{(found) => <Use quotas={found} />}</Loaded>
      <Section title="Intake" note="by day, UTC, newest first">
        <Loaded query={days} lines={4}>
          {({ items }) => (items.length === 0 ? <p className="second">Nothing has arrived yet.</p> : <Table label="Intake, newest first" rows={[...items].reverse()} columns={DAYS} rowKey={(row) => row.day} />)}
        </Loaded>
      </Section>
    </div>
  )
}

type Use = Quotas['use'][number]

function Use({ quotas }: { quotas: Tagged<Quotas> }) {
  const access = useAccess()
  const [changing, change] = useState(false)
  return (
    <Section title="Quotas" note={quotas.updated_at && <>set <Time at={quotas.updated_at} /> by <Person actor={quotas.updated_by} /></>} end={access.admin && <Button size="xs" onClick={() => change(true)}>Change…</Button>}>
      <p className="lead">{sentenceOf(quotas)}</p>
      <Table label="Quotas and their use" rows={quotas.use} columns={USE} rowKey={(row) => row.quota} />
      <p className="quiet small">Over quota, senders get a 429 with the time to retry; calls through the gateway continue and are stored. People are notified at {portion(quotas.warn_at)} and when it is reached.</p>
      {changing && <Change quotas={quotas} onClose={() => change(false)} />}
    </Section>
  )
}

function sentenceOf({ use }: Quotas): string {
  const reached = use.filter((one) => one.state === 'reached')
  if (reached.length) return `${reached.map((one) => NAMES[one.quota]).join(' and ')} ${reached.length === 1 ? 'is' : 'are'} used up: requests are being refused, ${plural(reached.reduce((sum, one) => sum + one.refused, 0), 'request')} so far.`
  const near = use.filter((one) => one.state === 'warning')
  if (near.length) return `${near.map((one) => `${NAMES[one.quota]}: ${portion(one.share)} used`).join(', ')}.`
  return use.every((one) => one.limit === null) ? 'No quota is set: everything is accepted.' : 'No quota is close to its limit.'
}

const USE: Column<Use>[] = [
  { id: 'quota', head: 'Quota', className: 'nowrap', cell: (row) => NAMES[row.quota] },
  { id: 'share', head: 'Used', className: 'main-cell', cell: (row) => <Bar use={row} /> },
  { id: 'used', head: 'Came in', className: 'num', cell: (row) => amount(row.quota, row.used) },
  { id: 'limit', head: 'Limit', className: 'num', cell: (row) => (row.limit === null ? <span className="quiet">none</span> : amount(row.quota, row.limit)) },
  { id: 'refused', head: 'Turned away', className: 'num hide-s', cell: (row) => (row.refused ? <span className="bad">{plural(row.refused, 'request')}</span> : <span className="quiet">none</span>) },
  { id: 'resets', head: 'Resets', className: 'num hide-m', cell: (row) => <Time at={row.resets_at} /> },
]

function Bar({ use }: { use: Use }) {
  if (use.share === null) return <span className="quiet">no limit</span>
  const tone = use.state === 'reached' ? 'var(--bad)' : use.state === 'warning' ? 'var(--unsure)' : 'var(--accent)'
  return (
    <span className="line tight" style={{ flexWrap: 'nowrap' }}>
      <span className="share" aria-hidden><span style={{ width: `${Math.min(100, use.share * 100)}%`, background: tone }} /></span>
      <span className={use.state === 'reached' ? 'bad' : ''}>{portion(use.share)}</span>
    </span>
  )
}

const DAYS: Column<IntakeDay>[] = [
  { id: 'day', head: 'Day', className: 'nowrap', cell: (row) => row.day },
  { id: 'spans', head: 'Spans', className: 'num', cell: (row) => count(row.spans) },
  { id: 'bytes', head: 'Bytes', className: 'num', cell: (row) => bytes(row.bytes) },
  { id: 'sampled', head: 'Without content', className: 'num hide-s', cell: (row) => count(row.sampled_out) },
  { id: 'dropped', head: 'Dropped', className: 'num hide-s', cell: (row) => count(row.dropped) },
  { id: 'refused', head: 'Turned away', className: 'num', cell: (row) => (row.refused ? <span className="bad">{count(row.refused)}</span> : '0') },
]

function Change({ quotas: now, onClose }: { quotas: Tagged<Quotas>; onClose: () => void }) {
  const [quotas] = useState(now) // what the draft was begun from: the page asks every few seconds
  const [limits, setLimits] = useState(quotas.limits)
  const [warn, setWarn] = useState<number | string>(quotas.warn_at * 100)
  const tight = quotas.use.filter((one) => limits[one.quota] !== null && one.used >= limits[one.quota]!)
  return (
    <ReasonDialog opened onClose={onClose} title="Change the quotas" action="Set them" danger={tight.length > 0} disabled={warn === ''} done="The quotas apply from the next request on." send={(reason) => request('PUT', '/quotas', { limits, warn_at: Number(warn) / 100, reason }, undefined, quotas.revision)}>
      <div className="rates">
        {(Object.keys(NAMES) as Quota[]).map((quota) => (
          <NumberBox key={quota} label={NAMES[quota]} placeholder="no limit" min={0} whole grouped hideControls value={limits[quota] ?? ''} onChange={(value) => setLimits({ ...limits, [quota]: value === '' ? null : Number(value) })} />
        ))}
        <NumberBox label="Notify people at, %" min={1} max={100} hideControls value={warn} onChange={setWarn} />
      </div>
      {tight.length > 0 && <p className="notice bad">{tight.map((one) => `${capital(NAMES[one.quota].toLowerCase())}: ${amount(one.quota, one.used)} already used`).join('; ')}. The next request will be refused. Data that the sender does not send again is lost.</p>}
    </ReasonDialog>
  )
}
