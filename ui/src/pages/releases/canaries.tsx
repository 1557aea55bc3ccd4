import { Link } from '@tanstack/react-router'
import * as ask from '@/api/queries'
import type { Canary } from '@/api/types'
import { count, percent, signed, interval } from '@/lib/format'
import { Snippet } from '@/parts/copy'
import { Listed, More, usePages } from '@/parts/list'
import { ReleaseLink, useReleaseName } from '@/parts/links'
import { Page } from '@/parts/page'
import { Empty } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'

export function Canaries() {
  const pages = usePages<Canary>(ask.canaries())
  return (
    <Page title="Canaries">
      <Listed pages={pages} empty={<NoCanary />}>
        {(rows) => <Table label="Canaries, newest first" rows={rows} columns={COLUMNS} rowKey={(row) => row.id} href={(row) => `/canaries/${row.id}`} footer={<More pages={pages} noun="canary" many="canaries" />} />}
      </Listed>
    </Page>
  )
}

const COLUMNS: Column<Canary>[] = [
  { id: 'candidate', head: 'Candidate', className: 'nowrap', cell: (row) => <Title canary={row} /> },
  { id: 'status', head: 'Status', cell: (row) => <StatusTag status={row.status} /> },
  { id: 'share', head: 'Share', className: 'num hide-s', cell: (row) => percent(row.share) },
  { id: 'channel', head: 'Channel', className: 'hide-s', cell: (row) => <Link to="/channels/$name" params={{ name: row.channel }}>{row.channel}</Link> },
  { id: 'baseline', head: 'Against', className: 'hide-m nowrap', cell: (row) => <ReleaseLink id={row.baseline} /> },
  {
    id: 'difference',
    head: 'Difference',
    className: 'hide-m nowrap',
    cell: (row) => {
      const metric = row.metrics[0]
      return metric ? <><strong>{signed(metric.difference)}</strong> <span className="second">{interval(metric.ci, true)}</span></> : <span className="quiet">no evidence yet</span>
    },
  },
  { id: 'units', head: 'Units', className: 'num hide-m', cell: (row) => count(row.units.baseline + row.units.candidate) },
  { id: 'started', head: 'Started', className: 'num', cell: (row) => <Time at={row.started_at} /> },
]

function Title({ canary }: { canary: Canary }) {
  const name = useReleaseName(canary.candidate)
  return <Link to="/canaries/$canaryId" params={{ canaryId: canary.id }} style={{ color: 'var(--ink)', fontWeight: 550 }}>{name}</Link>
}

function NoCanary() {
  return (
    <Empty title="A canary gives a new release a share of real traffic and decides from the evidence whether to keep it">
      <p className="second">You need a release that passed its gate and a channel with a live release.</p>
      <Snippet text={'assay canary start production support@3 --score user_feedback=0.05 --steps 20,50'} />
    </Empty>
  )
}
