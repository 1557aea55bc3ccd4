import { Button, Modal, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useDebouncedCallback } from '@mantine/hooks'
import { useState } from 'react'
import * as ask from '@/api/queries'
import type { AuditEvent, AuditVerification } from '@/api/types'
import { count, plural, words } from '@/lib/format'
import { sinceOf } from '@/lib/range'
import { useAddress } from '@/lib/search'
import { Copy } from '@/parts/copy'
import { Json } from '@/parts/json'
import { Listed, More, usePages } from '@/parts/list'
import { Facts, Page } from '@/parts/page'
import { Empty, ProblemNote } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { TimeRange } from '@/parts/time-range'
import { Person, Time } from '@/parts/values'

export function Audit() {
  const [address, change] = useAddress()
  const { actor, action, subject, until } = address
  const pages = usePages<AuditEvent>(ask.audit({ actor, action, subject, since: address.since ?? sinceOf(address.range), until }))
  const narrowed = [actor, action, subject, until, address.since, address.range].some(Boolean)
  const [opened, open] = useState<AuditEvent | null>(null)
  const send = useDebouncedCallback((name: string, value: string) => change({ [name]: value.trim() || undefined }, true), 300)
  return (
    <Page title="Audit log" actions={<Verify />}>
      <div className="filters" role="search">
        {(['actor', 'action', 'subject'] as const).map((name) => (
          <TextInput key={name} size="xs" w={170} aria-label={`Filter by ${name}`} placeholder={`${name[0]!.toUpperCase()}${name.slice(1)}`} defaultValue={address[name] ?? ''} onChange={(event) => send(name, event.currentTarget.value)} />
        ))}
        <TimeRange address={address} change={change} />
      </div>
      <Listed pages={pages} empty={narrowed ? <Empty title="No events match these filters"><p className="second">Actor, action and subject must match exactly. Click an event to see its values.</p></Empty> : <Empty title="No events yet"><p className="second">Every change to a channel, key, provider or incident is recorded here: who, when, what and why. Entries are chained by hash.</p></Empty>}>
        {(rows) => <Table label="Audit events, newest first" rows={rows} columns={columns(open)} rowKey={(row) => row.id} footer={<More pages={pages} noun="event" />} />}
      </Listed>
      <Modal opened={opened !== null} onClose={() => open(null)} size="lg" title={<strong>{opened && words(opened.action)}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
        {opened && <Event event={opened} />}
      </Modal>
    </Page>
  )
}

const columns = (open: (event: AuditEvent) => void): Column<AuditEvent>[] => [
  { id: 'at', head: 'When', className: 'when', cell: (row) => <Time at={row.at} full /> },
  { id: 'actor', head: 'Who', className: 'nowrap', cell: (row) => <div className="cut" style={{ maxWidth: 'min(14rem, 32vw)' }}><Person actor={row.actor} /></div> },
  { id: 'action', head: 'What', cell: (row) => <button type="button" className="linkish" style={{ textAlign: 'left', overflowWrap: 'anywhere', minWidth: 'min(9.5rem, 24vw)' }} onClick={() => open(row)}>{words(row.action)}</button> },
  { id: 'subject', head: 'Which', className: 'nowrap hide-m', cell: (row) => <div className="cut" style={{ maxWidth: '14rem' }} title={row.subject}>{row.subject}</div> },
  { id: 'reason', head: 'Why', className: 'main-cell hide-s', cell: (row) => <div className="cut second">{row.reason}</div> },
]

/** As the log has it, which is what its filters take. */
function Exact({ text, label, children }: { text: string; label: string; children?: React.ReactNode }) {
  return <span className="line tight">{children} <code style={{ overflowWrap: 'anywhere' }}>{text}</code> <Copy text={text} label={label} /></span>
}

function Event({ event }: { event: AuditEvent }) {
  return (
    <div className="stack">
      <Facts list rows={[['When', <Time at={event.at} full />], ['Who', <Exact text={event.actor} label="Copy the actor"><Person actor={event.actor} /></Exact>], ['What', <Exact text={event.action} label="Copy the action" />], ['Which', <Exact text={event.subject} label="Copy the subject" />], ['Why', event.reason], ['Hash', <span className="line tight"><code>{event.hash.slice(0, 24)}…</code> <Copy text={event.hash} label="Copy the hash" /></span>]]} />
      <div className="sides">
        <div><h3>Before</h3>{event.before === null ? <span className="quiet">nothing</span> : <Json value={event.before} />}</div>
        <div><h3>After</h3>{event.after === null ? <span className="quiet">nothing</span> : <Json value={event.after} />}</div>
      </div>
    </div>
  )
}

function Verify() {
  const verification = useQuery(ask.auditVerification)
  return (
    <>
      {verification.isError && <ProblemNote error={verification.error} />}
      {verification.data && <span role="status">{told(verification.data)}</span>}
      <Button variant="default" loading={verification.isFetching} onClick={() => void verification.refetch()}>Verify the chain</Button>
    </>
  )
}

function told(found: AuditVerification): React.ReactNode {
  if (found.ok) return <span className="good">The chain is whole: {plural(found.checked, 'event')} checked.</span>
  return (
    <span className="bad">
      The chain is broken{found.broken && <> at entry {count(found.broken.seq)} (<code>{found.broken.id}</code>): {found.broken.why}</>}
    </span>
  )
}
