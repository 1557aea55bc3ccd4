import { Button, Modal, Switch, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { get, post, request } from '@/api/client'
import * as ask from '@/api/forwarding'
import type { Forward } from '@/api/forwarding'
import type { List } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { count, plural } from '@/lib/format'
import { type Held, heldOf, matchOf, openIn, told } from '@/lib/match'
import { MATCHED } from '@/lib/sampling'
import { useAddress } from '@/lib/search'
import { ReasonDialog } from '@/parts/dialog'
import { LimitedInput } from '@/parts/limited'
import { Match } from '@/parts/match'
import { Overtaken } from '@/parts/overtaken'
import { NumberBox } from '@/parts/number-field'
import { Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const LOGS = 'logs'
const NEW = '0' // the revision of what is not there yet

/** Other collectors that get what is stored here, as it is stored: scrubbed. */
export default function Forwards() {
  const [address, change] = useAddress()
  const access = useAccess()
  const found = useQuery(ask.forwards)
  const [changing, setChanging] = useState<Forward | null>(null)
  return (
    <Section title="Forwarding" note="OTLP to another collector, at least once, after storing here" end={access.admin && <Button size="xs" onClick={() => change({ do: 'new-forward' })}>Forward to…</Button>}>
      <Loaded query={found} lines={3}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty title="No forwards yet">
              <p className="second prose">Forward spans to another collector: another Assay, Grafana Tempo, Datadog or anything that accepts OTLP over HTTP. They are sent after they are scrubbed and stored, with retries, and senders never wait for it. {access.admin ? '' : 'Only admins of this project can set this up.'}</p>
            </Empty>
          ) : (
            <Table label="Forwarding" rows={items} columns={columnsOf(access.admin, setChanging)} rowKey={(row) => row.name} />
          )
        }
      </Loaded>
      {access.admin && (address.do === 'new-forward' || changing) && <ForwardForm existing={changing ?? undefined} onClose={() => { setChanging(null); change({ do: undefined }, true) }} />}
    </Section>
  )
}

const columnsOf = (admin: boolean, edit: (row: Forward) => void): Column<Forward>[] => [
  { id: 'state', head: 'State', className: 'nowrap', cell: (row) => <StatusTag status={row.state} /> },
  {
    id: 'name',
    head: 'To',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <div className="cut"><strong>{row.name}</strong> <code>{row.endpoint}</code></div>
        <div className="small second">{scopeOf(row)}</div>
        {row.last_error && <div className="small bad">{row.last_error}{row.next_try_at && <>; tried again <Time at={row.next_try_at} /></>}</div>}
      </div>
    ),
  },
  { id: 'waiting', head: 'Waiting', className: 'num hide-s', cell: (row) => <span title={row.oldest_at ?? undefined}>{count(row.waiting)}</span> },
  { id: 'sent', head: 'Sent', className: 'num', cell: (row) => count(row.sent) },
  { id: 'lost', head: 'Refused', className: 'num hide-s', cell: (row) => (row.rejected > 0 ? <span className="bad" title="Permanently refused by the other side">{count(row.rejected)}</span> : <span className="quiet">none</span>) },
  { id: 'do', head: <span className="sr">Actions</span>, className: 'num', cell: (row) => admin && <Actions row={row} onEdit={() => edit(row)} /> },
]

function scopeOf(row: Forward): string {
  return [told(row.filter).join('; ') || 'all spans', row.signals.includes(LOGS) && 'with log records', row.share < 1 && `${Number((row.share * 100).toPrecision(4))} % of traces`].filter(Boolean).join(', ')
}

function Actions({ row, onEdit }: { row: Forward; onEdit: () => void }) {
  const [removing, remove] = useState(false)
  const path = `/forwards/${encodeURIComponent(row.name)}`
  const test = useMutation({
    mutationFn: () => post<{ ok: boolean; status: number | null; error: string | null }>(`${path}/test`),
    onSuccess: (told) => notifications.show({ message: told.ok ? `${row.name} answered ${told.status}.` : `${row.name} could not be reached: ${told.error ?? `it answered ${told.status}`}`, color: told.ok ? undefined : 'red', autoClose: 10_000 }),
  })
  return (
    <span className="line tight address-actions">
      {test.isError && <ProblemNote error={test.error} />}
      <Button variant="default" size="compact-xs" loading={test.isPending} aria-label={`Test ${row.name}`} onClick={() => test.mutate()}>Test</Button>
      <Button variant="default" size="compact-xs" aria-label={`Change ${row.name}`} onClick={onEdit}>Change</Button>
      <Button variant="default" size="compact-xs" aria-label={`Remove ${row.name}`} onClick={() => remove(true)}>Remove</Button>
      <ReasonDialog opened={removing} onClose={() => remove(false)} title={`Stop forwarding to ${row.name}`} action="Stop it" danger withoutReason done="Nothing more will be forwarded there." send={() => request('DELETE', path, undefined, undefined, row.revision)}>
        <p>{row.waiting > 0 ? `${plural(row.waiting, 'span')} still waiting will not be sent.` : 'Nothing is waiting to be sent.'} What was sent stays on the other side.</p>
      </ReasonDialog>
    </span>
  )
}

function ForwardForm({ existing, onClose }: { existing?: Forward; onClose: () => void }) {
  useReturnedFocus()
  const client = useQueryClient()
  const [name, setName] = useState(existing?.name ?? '')
  const [endpoint, setEndpoint] = useState(existing?.endpoint ?? '')
  const [headers, setHeaders] = useState(Object.entries(existing?.headers ?? {}).map(([key, value]) => `${key}=${value}`).join(', '))
  const [held, setHeld] = useState<Held[]>(existing ? heldOf(existing.filter) : [])
  const [share, setShare] = useState<number | string>((existing?.share ?? 1) * 100)
  const [enabled, setEnabled] = useState(existing?.enabled ?? true)
  const [logs, setLogs] = useState(existing?.signals.includes(LOGS) ?? false)
  const [seen] = useState(existing?.revision ?? NEW) // a forward of that name is not taken over
  const save = useMutation({
    mutationFn: (revision: string) => request('PUT', `/forwards/${encodeURIComponent(name.trim())}`, { endpoint: endpoint.trim(), headers: headersOf(headers), filter: matchOf(held), share: Number(share) / 100, enabled, signals: logs ? ['traces', LOGS] : ['traces'] }, undefined, revision),
    onSuccess: () => show(),
  })
  const show = async () => {
    await client.invalidateQueries({ queryKey: ['forwards'] })
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(seen)
  }
  return (
    <Modal opened onClose={onClose} title={<strong>{existing ? `Change ${existing.name}` : 'Forward to another collector'}</strong>} size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <LimitedInput label="Name" most={100} required disabled={existing !== undefined} value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus={existing ? undefined : true} />
        <TextInput label="Endpoint" description="The OTLP over HTTP endpoint, for example https://collector.example.com:4318" required type="url" value={endpoint} onChange={(event) => setEndpoint(event.currentTarget.value)} />
        <TextInput label="Headers" description="name=env:VARIABLE, separated by commas. Secrets are read from the server’s environment, as ASSAY_FORWARD_…" placeholder="authorization=env:ASSAY_FORWARD_TOKEN" value={headers} onChange={(event) => setHeaders(event.currentTarget.value)} />
        <Match out held={held} fields={MATCHED} onChange={setHeld} empty="All spans." />
        <div className="line" style={{ gap: '1.5rem', alignItems: 'flex-end' }}>
          <NumberBox label="Share of traces, %" required withAsterisk={false} min={0} max={100} decimals={3} hideControls value={share} onChange={setShare} maw="9rem" />
          <Switch label="Include log records" checked={logs} onChange={(event) => setLogs(event.currentTarget.checked)} />
          <Switch label="Turned on" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
        </div>
        {save.isError && <ProblemNote error={save.error} />}
        {existing && <Overtaken error={save.error} isThere={async () => (await get<List<Forward>>('/forwards')).items.some((one) => one.name === existing.name)} onAnew={() => save.mutate(NEW)} onShow={() => void show()} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={!name.trim() || !endpoint.trim() || share === '' || openIn(held) !== undefined}>{existing ? 'Change it' : 'Forward'}</Button>
        </div>
      </form>
    </Modal>
  )
}

/** `a=env:X, b=env:Y`; what is not understood goes to the server as it is, which says what is wrong with it. */
function headersOf(text: string): Record<string, string> {
  const pairs = text.split(',').map((part) => part.trim()).filter(Boolean)
  return Object.fromEntries(pairs.map((pair) => [pair.split('=')[0]!.trim(), pair.slice(pair.indexOf('=') + 1).trim()]))
}
