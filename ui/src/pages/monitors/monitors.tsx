import { Button, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/monitors'
import type { Monitor } from '@/api/monitors'
import { plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { inUnit, metricName, overName, ruleName } from '@/lib/watch'
import { Page } from '@/parts/page'
import { Empty, Loaded, Skeleton } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const Messages = lazy(() => import('@/pages/trace/messages'))
const Silences = lazy(() => import('./silences'))

const TABS = ['monitors', 'messages', 'silences']

/** What is watched while nobody looks, and who is told. */
export function Monitors() {
  const [address, change] = useAddress()
  const access = useAccess()
  return (
    <Page title="Monitors" actions={access.write && <Button component={Link} to="/monitors/new">New monitor</Button>}>
      <Tabs value={TABS.includes(address.tab ?? '') ? address.tab : TABS[0]} onChange={(tab) => change({ tab: tab && tab !== 'monitors' ? tab : undefined })} keepMounted={false}>
        <Tabs.List mb="md">
          <Tabs.Tab value="monitors">Monitors</Tabs.Tab>
          <Tabs.Tab value="messages">Notifications</Tabs.Tab>
          <Tabs.Tab value="silences">Silences</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="monitors"><Watched /></Tabs.Panel>
        <Tabs.Panel value="messages"><Suspense fallback={<Skeleton />}><Messages /></Suspense></Tabs.Panel>
        <Tabs.Panel value="silences"><Suspense fallback={<Skeleton />}><Silences /></Suspense></Tabs.Panel>
      </Tabs>
    </Page>
  )
}

const ORDER = { alarm: 0, unknown: 2, ok: 1, off: 3 }

function Watched() {
  const monitors = useQuery(ask.monitors)
  return (
    <Loaded query={monitors}>
      {({ items }) =>
        items.length === 0 ? (
          <Empty title="No monitors yet"><p className="second prose">A monitor checks a metric of your traces at regular intervals: cost, errors, latency or scores. When the metric leaves its normal range, it opens an incident and notifies people.</p></Empty>
        ) : (
          <div className="stack">
            <p className="lead">{leadOf(items)}</p>
            <Table label="Monitors" rows={[...items].sort((a, b) => ORDER[a.status] - ORDER[b.status])} columns={COLUMNS} rowKey={(row) => row.id} href={(row) => `/monitors/${row.id}`} />
          </div>
        )
      }
    </Loaded>
  )
}

function leadOf(all: Monitor[]): string {
  const ringing = all.filter((one) => one.status === 'alarm')
  const blind = all.filter((one) => one.status === 'unknown').length
  const told = ringing.length ? `${ringing.map((one) => one.name).join(', ')} ${ringing.length === 1 ? 'is' : 'are'} alerting` : 'No monitor is alerting'
  return blind ? `${told}; ${plural(blind, 'monitor')} ${blind === 1 ? 'has' : 'have'} too little data to decide.` : `${told}.`
}

/** The state that matters most: an alarm before anything else. */
const worst = (row: Monitor) => row.states.find((state) => state.status === 'alarm') ?? row.states[0]

const COLUMNS: Column<Monitor>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  {
    id: 'name',
    head: 'Monitor',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <div className="cut">
          <Link to="/monitors/$monitorId" params={{ monitorId: row.id }}>{row.name}</Link>
          {row.silenced_until && <span className="tag neutral" style={{ marginLeft: 6 }}>silenced</span>}
        </div>
        <div className="lines small second">{worst(row)?.finding?.sentence ?? (row.description || 'not checked yet')}</div>
      </div>
    ),
  },
  { id: 'rule', head: 'Alert when', className: 'hide-l nowrap', cell: (row) => <>{metricName(row.metric)} {ruleName(row.rule, row.metric)}</> },
  { id: 'value', head: 'Now', className: 'num hide-s', cell: (row) => <Now row={row} /> },
  { id: 'window', head: 'Over', className: 'num hide-m nowrap', cell: overName },
  { id: 'at', head: 'Checked', className: 'num hide-m', cell: (row) => (row.evaluated_at ? <Time at={row.evaluated_at} /> : <span className="quiet">not yet</span>) },
]

function Now({ row }: { row: Monitor }) {
  const finding = worst(row)?.finding
  if (!finding || finding.value === null) return <span className="unknown">unknown</span>
  return <span title={`n ${finding.n}`}>{inUnit(finding.value, finding.unit)}</span>
}
