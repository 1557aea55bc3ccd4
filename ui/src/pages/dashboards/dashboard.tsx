import '@/styles/dashboards.css'
import { Button, Checkbox } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { IconLink, IconPencil } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/dashboards'
import type { Dashboard } from '@/api/dashboards'
import { words } from '@/lib/format'
import { SEARCH } from '@/lib/match'
import { scopeOf } from '@/lib/panels'
import { type Search, useAddress } from '@/lib/search'
import { FacetChoice } from '@/parts/choice'
import { Copy } from '@/parts/copy'
import { Page } from '@/parts/page'
import { SearchLine, useMisread } from '@/parts/search-line'
import { Empty, Loaded, Skeleton } from '@/parts/states'
import { TimeRange } from '@/parts/time-range'
import { useAccess } from '@/shell/access'
import { PanelFrame } from './panel-view'

const Editor = lazy(() => import('./editor'))

/** One dashboard. The address holds range, variables and comparison: a link shows exactly this. */
export function DashboardPage() {
  const { name } = useParams({ strict: false }) as { name: string }
  const [address, change] = useAddress()
  const access = useAccess()
  const found = useQuery(ask.dashboard(name))
  const editing = address.edit === '1' && access.write
  const actions = (
    <>
      <Copy text={() => window.location.href} label="Copy the link"><IconLink size={14} aria-hidden /> Link</Copy>
      {access.write && !editing && found.data && <Button variant="default" leftSection={<IconPencil size={14} aria-hidden />} onClick={() => change({ edit: '1' })}>Edit</Button>}
    </>
  )
  return (
    <Page title={found.data?.title ?? name} crumbs={<Link to="/dashboards">Dashboards</Link>} actions={actions}>
      <Loaded query={found}>
        {(dashboard) =>
          editing ? (
            <Suspense fallback={<Skeleton />}><Editor dashboard={dashboard} onClose={() => change({ edit: undefined, tab: undefined })} scope={scopeOf(address, dashboard.range, dashboard.variables)} /></Suspense>
          ) : (
            <Shown dashboard={dashboard} address={address} change={change} write={access.write} />
          )
        }
      </Loaded>
    </Page>
  )
}

interface ShownProps {
  dashboard: Dashboard
  address: Search
  change: (next: Search) => void
  write: boolean
}

function Shown({ dashboard, address, change, write }: ShownProps) {
  const scope = scopeOf(address, dashboard.range, dashboard.variables)
  const marks = useQuery(ask.marks(scope.since, scope.until))
  const line = address[SEARCH] ?? ''
  const misread = useMisread(line)
  const ranged = address.range || address.since || address.until ? address : { ...address, range: dashboard.range }
  if (dashboard.panels.length === 0) {
    return (
      <Empty title="No panel yet">
        <p className="second prose">A panel shows a metric over time, by group or as a single number, or the rows of an SQL query. Every number shows its n and links to the traces behind it.</p>
        {write && <Button onClick={() => change({ edit: '1' })}>Add the first panel</Button>}
      </Empty>
    )
  }
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      {dashboard.description && <p className="second prose">{dashboard.description}</p>}
      <div className="stack" style={{ gap: '0.5rem' }}>
        <div className="filters" role="group" aria-label="What is shown">
          <TimeRange address={ranged} change={change} />
          {dashboard.variables.map((name) => <FacetChoice key={name} field={name} name={words(name)} value={address[name]} onChange={(value) => change({ [name]: value })} />)}
          <Checkbox size="xs" label="Compare with previous period" checked={address.compare === '1'} onChange={(event) => change({ compare: event.currentTarget.checked ? '1' : undefined })} />
        </div>
        <div className="line" style={{ maxWidth: '44rem' }}><SearchLine field label="Only traces that match this search" q={line} problem={misread} onSearch={(next) => change({ [SEARCH]: next || undefined })} /></div>
      </div>
      {!misread && (
        <div className="panels">
          {dashboard.panels.map((panel) => (
            <PanelFrame key={panel.id} panel={panel} scope={scope} compare={address.compare === '1'} marks={marks.data?.items ?? []} onZoom={(since, until) => change({ since, until, range: undefined })} />
          ))}
        </div>
      )}
    </div>
  )
}
