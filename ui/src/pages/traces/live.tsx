import { Button } from '@mantine/core'
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { count, plural } from '@/lib/format'
import { useKeys } from '@/lib/keys'
import { HELD, type Tail, type TailSpan, useTail } from '@/lib/tail'
import { TraceLink } from '@/parts/links'
import { KindIcon, SpanSign } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/scrubbed'
import { Duration, Money, Person, Time } from '@/parts/values'

const COLUMNS: Column<TailSpan>[] = [
  {
    id: 'name',
    head: 'Span',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="line tight" style={{ flexWrap: 'nowrap' }}>
          <KindIcon kind={row.kind} />
          <span className="cut"><TraceLink id={row.trace_id} span={row.span_id}>{row.name}</TraceLink></span>
          <SpanSign status={row.status} />
        </div>
        {(row.input ?? row.output) && <div className="cut small second"><Scrubbed text={(row.input ?? row.output)!} /></div>}
      </div>
    ),
  },
  { id: 'model', head: 'Model', className: 'hide-m', cell: (row) => <div className="cut" style={{ maxWidth: '9rem' }}>{row.model ?? <span className="quiet">none</span>}</div> },
  { id: 'user', head: 'User', className: 'hide-l', cell: (row) => (row.user ? <div className="cut" style={{ maxWidth: '8rem' }}><Person actor={row.user} /></div> : <span className="quiet">none</span>) },
  { id: 'cost', head: 'Cost', className: 'num hide-m', cell: (row) => (row.model ? <Money usd={row.cost} /> : <span className="quiet">none</span>) },
  { id: 'latency', head: 'Latency', className: 'num', cell: (row) => <Duration ms={row.latency_ms} /> },
  { id: 'time', head: 'Started', className: 'num', cell: (row) => <Time at={row.start} /> },
]

/** Spans as they are stored. The list stands still under the pointer, while one reads, and at the key p. */
export default function Live({ q }: { q: string }) {
  const [held, hold] = useState(false)
  const [over, setOver] = useState(false)
  const paused = held || over
  const tail = useTail({ q: q || undefined }, paused)
  useKeys([{ keys: 'p', does: 'Pause or resume the live tail', run: () => hold(!held) }])
  return (
    <>
      <div className="line">
        <Button variant="default" aria-pressed={held} leftSection={held ? <IconPlayerPlay size={14} aria-hidden /> : <IconPlayerPause size={14} aria-hidden />} onClick={() => hold(!held)}>{held ? 'Go on' : 'Hold'}</Button>
        <Standing tail={tail} paused={paused} filtered={q !== ''} />
      </div>
      <div className="live" onPointerEnter={(event) => event.pointerType === 'mouse' && setOver(true)} onPointerLeave={() => setOver(false)}>
        {tail.state !== 'refused' && tail.rows.length === 0 && <p className="quiet prose">Spans appear here within a second of being stored, {q ? 'if they match the search above' : 'newest first'}. If none come, <Link to="/connect">Connect</Link> sends one.</p>}
        {tail.rows.length > 0 && <Table label="Spans as they arrive, newest first" rows={tail.rows} columns={COLUMNS} rowKey={(row) => row.span_id} href={(row) => `/traces/${row.trace_id}?span=${row.span_id}`} rowHeight={47} fill />}
      </div>
    </>
  )
}

function Standing({ tail, paused, filtered }: { tail: Tail; paused: boolean; filtered: boolean }) {
  if (tail.state === 'refused') return <span className="bad" role="status">The server rejected this request. Check the search above, or reload the page.</span>
  if (tail.state === 'lost') return <span className="unsure" role="status">Connection lost, reconnecting. Spans stored meanwhile are in the list of traces.</span>
  if (tail.state === 'connecting') return <span className="quiet" role="status">Connecting…</span>
  const shown = tail.rows.length >= HELD ? `the newest ${count(HELD)}` : plural(tail.rows.length, 'span')
  return (
    <span className="second" role="status">
      <span className="line tight" style={{ display: 'inline-flex' }}>
        <span className={paused ? 'pulse still' : 'pulse'} aria-hidden />
        {paused ? `Paused; ${plural(tail.waiting, 'span')} waiting` : tail.rows.length === 0 ? `Listening for ${filtered ? 'spans that match' : 'new spans'}…` : `Listening; ${shown}`}
        {tail.missed > 0 && <span className="unsure">· {plural(tail.missed, 'span')} left out: they arrived faster than anyone can read</span>}
      </span>
    </span>
  )
}
