import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/people'
import type { User, UserRow } from '@/api/people'
import { count, plural } from '@/lib/format'
import { sinceOf } from '@/lib/range'
import { useAddress } from '@/lib/search'
import { Listed, More, usePages } from '@/parts/list'
import { Facts, Page, Section } from '@/parts/page'
import { misreadOf } from '@/parts/search-line'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Money, ScoreChip, Time, TokenCount } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { FindBySearch, FindId, SessionTable, SHOW, sortingOf, UserLink } from './sessions'

const DaysChart = lazy(() => import('./user-chart'))

/** The people behind the requests, the most recently active first. */
export function Users() {
  const [address, change] = useAddress()
  const pages = usePages<UserRow>(ask.users({ since: sinceOf(address.range), q: address.q, search: address.search, sort: address.sort }))
  const sorting = sortingOf(address, change)
  const misread = misreadOf(pages.query.error, 'search')
  return (
    <Page title="Users" actions={<SegmentedControl size="xs" aria-label="Time" data={SHOW} value={address.range ?? ''} onChange={(range) => change({ range: range || undefined })} />}>
      <div className="stack" style={{ gap: '0.5rem' }} role="search">
        <FindBySearch noun="Users" problem={misread} />
        <div className="filters"><FindId noun="user" /></div>
      </div>
      {!misread && <Listed pages={pages} empty={address.search ? <Empty title="No users with traces that match this search" /> : address.q ? <Empty title={`No user has "${address.q}" in their id`} /> : address.range ? <Empty title="No users in this time range"><p className="second">Choose a longer time range.</p></Empty> : <NoUser />}>
        {(rows) => <Table label={`Users, ${sorting.said}`} {...sorting.props} rows={rows} columns={COLUMNS} rowKey={(row) => row.user} href={(row) => `/users/one?id=${encodeURIComponent(row.user)}`} footer={<More pages={pages} noun="user" />} />}
      </Listed>}
    </Page>
  )
}

const COLUMNS: Column<UserRow>[] = [
  { id: 'user', head: 'User', className: 'main-cell', cell: (row) => <div className="cut"><UserLink id={row.user} /></div> },
  { id: 'sessions', head: 'Sessions', sort: 'sessions', className: 'num hide-s', cell: (row) => count(row.sessions) },
  { id: 'traces', head: 'Traces', sort: 'traces', className: 'num', cell: (row) => count(row.traces) },
  { id: 'errors', head: 'Errors', sort: 'errors', className: 'num hide-s', cell: (row) => (row.errors ? <span className="bad">{count(row.errors)}</span> : <span className="quiet">none</span>) },
  { id: 'tokens', head: 'Tokens', sort: 'tokens', className: 'num hide-m', cell: (row) => <TokenCount input={row.tokens.input} output={row.tokens.output} /> },
  { id: 'cost', head: 'Cost', sort: 'cost', className: 'num', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
  { id: 'first', head: 'First seen', className: 'num hide-m', cell: (row) => <Time at={row.first} /> },
  { id: 'last', head: 'Last active', sort: 'last', className: 'num', cell: (row) => <Time at={row.last} /> },
]

function NoUser() {
  return (
    <Empty title="Who uses your application, how often, with how many errors, and what each of them costs">
      <p className="second prose">Users appear here as soon as traces carry a user id: <code>user</code> in the SDK, <code>user.id</code> in OpenTelemetry. Use an id that only you can resolve. Names and addresses are scrubbed before they are stored.</p>
    </Empty>
  )
}

/** One person's history: what they cost, day by day, and what they talked about. */
export function UserPage() {
  const [address] = useAddress()
  const id = address.id ?? ''
  const access = useAccess()
  const found = useQuery(ask.user(id))
  const forget = access.admin && found.data && <Link to="/settings" search={{ tab: 'privacy', user: id }}>Delete this user’s data…</Link>
  return (
    <Page title={id} crumbs={<Link to="/users">Users</Link>} actions={forget}>
      <Loaded query={found}>{(user) => <History user={user} />}</Loaded>
    </Page>
  )
}

type ModelRow = User['models'][number]

const MODELS: Column<ModelRow>[] = [
  { id: 'model', head: 'Model', className: 'main-cell', cell: (row) => <div className="cut"><code>{row.model ?? 'not said'}</code></div> },
  { id: 'calls', head: 'Calls', className: 'num', cell: (row) => count(row.calls) },
  { id: 'tokens', head: 'Tokens', className: 'num hide-s', cell: (row) => <TokenCount input={row.tokens.input} output={row.tokens.output} /> },
  { id: 'cost', head: 'Cost', className: 'num', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
]

function History({ user }: { user: User }) {
  return (
    <>
      <Facts
        rows={[
          ['Cost', <Link key="cost" to="/costs" search={{ user: user.user, range: '90d', by: 'session' }}><Money usd={user.cost.usd} unknown={user.cost.unknown} /></Link>],
          ['Traces', <Link key="traces" to="/traces" search={{ user: user.user }}>{count(user.traces)}</Link>],
          ['Sessions', <Link key="sessions" to="/sessions" search={{ user: user.user }}>{count(user.sessions)}</Link>],
          ['Errors', user.errors > 0 && <Link key="errors" to="/traces" search={{ user: user.user, status: 'error' }}>{count(user.errors)}</Link>],
          ['Tokens', <TokenCount key="tokens" input={user.tokens.input} output={user.tokens.output} />],
          ['First seen', <Time key="first" at={user.first} />],
          ['Last active', <Time key="last" at={user.last} />],
        ]}
      />
      {user.scores.length > 0 && <div className="line">{user.scores.map((score) => <ScoreChip key={score.name} name={score.name} mean={score.mean} n={score.n} />)}</div>}
      <Section title="Day by day" note={`the newest ${plural(user.days.length, 'day')} with traffic`}>
        <Suspense fallback={<div className="chart" />}><DaysChart days={user.days} /></Suspense>
      </Section>
      {user.models.length > 0 && <Section title="Models"><Table label="Models" rows={user.models} columns={MODELS} rowKey={(row) => row.model ?? ''} /></Section>}
      {user.recent.length > 0 && <Section title="Latest sessions"><SessionTable rows={user.recent} /></Section>}
    </>
  )
}
