import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/queries'
import type { Channel } from '@/api/types'
import { Snippet } from '@/parts/copy'
import { ReleaseLink } from '@/parts/links'
import { Page } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'

/** What is live, everywhere, in one look. */
export function Channels() {
  const channels = useQuery(ask.channels)
  return (
    <Page title="Channels">
      <Loaded query={channels}>
        {({ items }) => (items.length === 0 ? <NoChannel /> : <Table label="Channels" rows={items} columns={COLUMNS} rowKey={(row) => row.name} href={(row) => `/channels/${encodeURIComponent(row.name)}`} />)}
      </Loaded>
    </Page>
  )
}

const COLUMNS: Column<Channel>[] = [
  { id: 'name', head: 'Channel', className: 'nowrap', cell: (row) => <Link to="/channels/$name" params={{ name: row.name }} style={{ color: 'var(--ink)', fontWeight: 550 }}>{row.name}</Link> },
  { id: 'release', head: 'Live', className: 'nowrap', cell: (row) => (row.release ? <ReleaseLink id={row.release.id} /> : <span className="quiet">nothing yet</span>) },
  {
    id: 'canary',
    head: 'Canary',
    className: 'nowrap',
    cell: (row) =>
      row.canary?.status === 'running' ? (
        <span className="line tight">
          <span className="tag accent">{row.canary.share} %</span> <ReleaseLink id={row.canary.candidate} />
        </span>
      ) : (
        <span className="quiet">none</span>
      ),
  },
  { id: 'since', head: 'Since', className: 'hide-s', cell: (row) => (row.since ? <Time at={row.since} /> : null) },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => row.by && <Person actor={row.by} /> },
  { id: 'reason', head: 'Why', className: 'main-cell hide-m', cell: (row) => <div className="cut second">{row.reason}</div> },
]

function NoChannel() {
  return (
    <Empty title="A channel is where a release goes live. Your application asks for the channel, never for a prompt">
      <p className="second">The first promotion creates it.</p>
      <Snippet text={'assay promote support@1 --to production --reason "first release"'} />
      <Snippet text={'release = assay.release("production", user=user_id)\nmessages = release.render("answer", question=question)'} />
    </Empty>
  )
}
