import { SegmentedControl } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/queries'
import type { Incident } from '@/api/types'
import { words } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { Listed, More, usePages } from '@/parts/list'
import { Page } from '@/parts/page'
import { Empty } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'

const SHOW = [
  { value: '', label: 'All' },
  { value: 'open', label: 'Open' },
  { value: 'acknowledged', label: 'Acknowledged' },
  { value: 'resolved', label: 'Resolved' },
]

export function Incidents() {
  const [address, change] = useAddress()
  const pages = usePages<Incident>(ask.incidents({ status: address.status }))
  return (
    <Page title="Incidents" actions={<SegmentedControl size="xs" aria-label="Status" data={SHOW} value={address.status ?? ''} onChange={(status) => change({ status: status || undefined })} />}>
      <Listed pages={pages} empty={<NoIncident filtered={Boolean(address.status)} />}>
        {(rows) => <Table label="Incidents, newest first" rows={rows} columns={COLUMNS} rowKey={(row) => row.id} href={(row) => `/incidents/${row.id}`} footer={<More pages={pages} noun="incident" />} />}
      </Listed>
    </Page>
  )
}

const COLUMNS: Column<Incident>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  {
    id: 'title',
    head: 'What happened',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="cut"><Link to="/incidents/$incidentId" params={{ incidentId: row.id }}>{row.title}</Link></div>
        <div className="cut small second">{row.sentence}</div>
      </div>
    ),
  },
  { id: 'severity', head: 'Severity', className: 'hide-s nowrap', cell: (row) => words(row.severity) },
  { id: 'kind', head: 'Kind', className: 'hide-m nowrap', cell: (row) => words(row.kind) },
  { id: 'opened', head: 'Opened', className: 'num nowrap', cell: (row) => <Time at={row.opened_at} /> },
]

function NoIncident({ filtered }: { filtered: boolean }) {
  return (
    <Empty title={filtered ? 'No incidents with this status' : 'No incidents'}>
      <p className="second prose">When a canary is rolled back or a monitor alerts, the incident appears here with the reason, the numbers behind it and what you can do.</p>
    </Empty>
  )
}
