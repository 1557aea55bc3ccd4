import { Button, SegmentedControl, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconX } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/people'
import type { SessionRow, Turn } from '@/api/people'
import { count, plural, titled } from '@/lib/format'
import { saidIn } from '@/lib/messages'
import { inAddress, type Order, orderOf, saidOrder } from '@/lib/order'
import { RANGES, sinceOf } from '@/lib/range'
import { type Search, useAddress } from '@/lib/search'
import { Content } from '@/parts/chat'
import { Snippet } from '@/parts/copy'
import { TraceLink } from '@/parts/links'
import { Listed, More, usePages } from '@/parts/list'
import { Facts, Page, Section } from '@/parts/page'
import { ScoreTable } from '@/parts/scores'
import { misreadOf, SearchLine } from '@/parts/search-line'
import { Empty, Loaded } from '@/parts/states'
import { SpanSign } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/scrubbed'
import { Duration, Money, Person, ScoreChip, Time, TokenCount } from '@/parts/values'
import { useAccess } from '@/shell/access'

const ScoreForm = lazy(() => import('@/pages/trace/score-form'))

export const SHOW = [...RANGES.slice(1).map((range) => ({ value: range as string, label: range as string })), { value: '', label: 'All' }]

/** Requests that belong together, the most recently active first. */
export function Sessions() {
  const [address, change] = useAddress()
  const pages = usePages<SessionRow>(ask.sessions({ since: sinceOf(address.range), user: address.user, q: address.q, search: address.search, sort: address.sort }))
  const sorting = sortingOf(address, change)
  const misread = misreadOf(pages.query.error, 'search')
  return (
    <Page title="Sessions" actions={<SegmentedControl size="xs" aria-label="Time" data={SHOW} value={address.range ?? ''} onChange={(range) => change({ range: range || undefined })} />}>
      <div className="stack" style={{ gap: '0.5rem' }} role="search">
        <FindBySearch noun="Sessions" problem={misread} />
        <div className="filters">
          <FindId noun="session" />
          {address.user && (
            <button type="button" className="filter" data-set="true" aria-label="Remove the filter user" onClick={() => change({ user: undefined })}>
              <span className="cut">user: {address.user}</span> <IconX size={13} aria-hidden />
            </button>
          )}
        </div>
      </div>
      {!misread && <Listed pages={pages} empty={address.search ? <Empty title="No sessions with traces that match this search" /> : address.q ? <Empty title={`No session has "${address.q}" in its id`} /> : <NoSession filtered={Boolean(address.range || address.user)} />}>
        {(rows) => <SessionTable rows={rows} sorting={sorting} footer={<More pages={pages} noun="session" />} />}
      </Listed>}
    </Page>
  )
}

/** Finds rows by a part of their id, as it is typed. */
export function FindId({ noun }: { noun: 'session' | 'user' }) {
  const [address, change] = useAddress()
  const send = useDebouncedCallback((part: string) => change({ q: part.trim() || undefined }, true), 300)
  return <TextInput size="xs" w={240} type="search" aria-label={`Find a ${noun}`} placeholder={`Part of a ${noun}'s id`} defaultValue={address.q ?? ''} onChange={(event) => send(event.currentTarget.value)} />
}

/** Rows that have a trace which a line of the list of traces finds. */
export function FindBySearch({ noun, problem }: { noun: 'Sessions' | 'Users'; problem: string | undefined }) {
  const [address, change] = useAddress()
  return <div className="line"><SearchLine field label={`${noun} with traces that match this search`} q={address.search ?? ''} problem={problem} onSearch={(search) => change({ search: search || undefined })} /></div>
}

interface Sorting {
  said: string
  props: { order: Order; onOrder: (order: Order | undefined) => void }
}

/** As the address sorts a list of people: the most recently active first, where it says nothing. */
export function sortingOf(address: Search, change: (next: Search) => void): Sorting {
  const order = orderOf(address.sort)
  const onOrder = (next: Order | undefined) => change({ sort: inAddress(next, LAST) })
  return { said: saidOrder(order, 'most recently active first'), props: { order: order ?? LAST, onOrder } }
}

const LAST: Order = { by: 'last', descending: true }

export function SessionTable({ rows, sorting, footer }: { rows: SessionRow[]; sorting?: Sorting; footer?: React.ReactNode }) {
  return <Table label={`Sessions, ${sorting?.said ?? 'most recently active first'}`} {...sorting?.props} rows={rows} columns={COLUMNS} rowKey={(row) => row.session} href={(row) => `/sessions/one?id=${encodeURIComponent(row.session)}`} footer={footer} />
}

const COLUMNS: Column<SessionRow>[] = [
  {
    id: 'session',
    head: 'Session',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.25rem 0' }}>
        <div className="cut"><Link to="/sessions/one" search={{ id: row.session }} className="tap">{row.input ? <Scrubbed text={saidIn(row.input)} /> : row.session}</Link></div>
        <div className="cut small second">{row.output ? <Scrubbed text={saidIn(row.output)} /> : 'no answer recorded'}</div>
      </div>
    ),
  },
  { id: 'user', head: 'User', className: 'hide-s', cell: (row) => (row.user ? <div className="cut" style={{ maxWidth: '9rem' }}><UserLink id={row.user} /></div> : <span className="quiet">not said</span>) },
  { id: 'turns', head: 'Turns', sort: 'traces', className: 'num', cell: (row) => count(row.traces) },
  { id: 'errors', head: 'Errors', sort: 'errors', className: 'num hide-m', cell: (row) => (row.errors ? <span className="bad">{count(row.errors)}</span> : <span className="quiet">none</span>) },
  { id: 'tokens', head: 'Tokens', sort: 'tokens', className: 'num hide-m', cell: (row) => <TokenCount input={row.tokens.input} output={row.tokens.output} /> },
  { id: 'cost', head: 'Cost', sort: 'cost', className: 'num hide-s', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
  { id: 'last', head: 'Last active', sort: 'last', className: 'num', cell: (row) => <Time at={row.last} /> },
]

export function UserLink({ id }: { id: string }) {
  return <Link to="/users/one" search={{ id }} className="tap">{id}</Link>
}

function NoSession({ filtered }: { filtered: boolean }) {
  return (
    <Empty title={filtered ? 'No sessions in this time range' : 'A session is a conversation between one person and your application, over several requests'}>
      <p className="second prose">Set a session id on each request, and the requests appear here in order, with what they cost.</p>
      <Snippet text={'with assay.context(session="chat-8123", user="u-42"):\n    answer(question)'} />
      <p className="second prose">In OpenTelemetry, it is the attribute <code>session.id</code>.</p>
    </Empty>
  )
}

/** A session read as a conversation: what was asked and answered, each turn with its trace. */
export function SessionPage() {
  const [address, change] = useAddress()
  const access = useAccess()
  const id = address.id ?? ''
  const found = useQuery(ask.session(id))
  return (
    <Page title={id} crumbs={<Link to="/sessions">Sessions</Link>} actions={found.data && access.write && <Button variant="default" size="compact-sm" onClick={() => change({ do: 'score' })}>Score…</Button>}>
      <Loaded query={found}>
        {(session) => (
          <>
            <Facts
              rows={[
                ['User', session.user && <UserLink key="user" id={session.user} />],
                ['Turns', <Link key="turns" to="/traces" search={{ session: id }}>{count(session.traces)}</Link>],
                ['Errors', session.errors > 0 && <span key="errors" className="bad">{count(session.errors)}</span>],
                ['Cost', <Money key="cost" usd={session.cost.usd} unknown={session.cost.unknown} />],
                ['Tokens', <TokenCount key="tokens" input={session.tokens.input} output={session.tokens.output} />],
                ['Began', <Time key="start" at={session.start} />],
                ['Last active', <Time key="last" at={session.last} />],
              ]}
            />
            <Suspense>{address.do === 'score' && access.write && <ScoreForm subject={{ session: id }} called={id} scores={session.scores} onClose={() => change({ do: undefined }, true)} />}</Suspense>
            {session.scores.length > 0 && <Section title="Of the whole session"><ScoreTable scores={session.scores} /></Section>}
            <ol className="turns">{session.turns.map((turn, i) => <TurnView key={turn.trace_id} turn={turn} n={i + 1} />)}</ol>
            {session.more && <p className="quiet">These are the newest {plural(session.turns.length, 'turn')}; the earlier ones are in the <Link to="/traces" search={{ session: id }}>list of traces</Link>.</p>}
          </>
        )}
      </Loaded>
    </Page>
  )
}

function TurnView({ turn, n }: { turn: Turn; n: number }) {
  return (
    <li aria-label={`Turn ${n}`}>
      <div className="line small second">
        <TraceLink id={turn.trace_id}>{titled(turn.name)}</TraceLink>
        <SpanSign status={turn.status} />
        <Time at={turn.start} />
        <Duration ms={turn.latency_ms} />
        <Money usd={turn.cost.usd} unknown={turn.cost.unknown} />
        {turn.user && <span className="hide-s"><Person actor={turn.user} /></span>}
        {Object.entries(turn.scores).map(([name, score]) => <ScoreChip key={name} name={name} mean={score.mean} n={score.n} />)}
      </div>
      <Content value={turn.input} pii={turn.pii} label="Input" speaker="user" fresh />
      <Content value={turn.output} pii={turn.pii} label="Output" speaker="assistant" />
    </li>
  )
}
