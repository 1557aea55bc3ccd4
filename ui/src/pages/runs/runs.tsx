import { Button } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import * as ask from '@/api/queries'
import type { Run } from '@/api/types'
import { count, shortId, words } from '@/lib/format'
import { Snippet } from '@/parts/copy'
import { Listed, More, usePages } from '@/parts/list'
import { ReleaseLink } from '@/parts/links'
import { Page } from '@/parts/page'
import { Empty } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { EstimateText, Time } from '@/parts/values'

export function Runs() {
  const pages = usePages<Run>(ask.runs())
  const [chosen, setChosen] = useState<string[]>([])
  const navigate = useNavigate()
  // The older of the two is the one compared against.
  const [b, a] = pages.rows.filter((run) => chosen.includes(run.id)).map((run) => run.id)
  return (
    <Page
      title="Runs"
      actions={
        <Button variant={a && b ? 'filled' : 'default'} disabled={!(a && b)} onClick={() => void navigate({ to: '/runs/compare', search: { a, b } })}>
          {a && b ? 'Compare the two' : 'Select two to compare'}
        </Button>
      }
    >
      <Listed pages={pages} empty={<NoRun />}>
        {(rows) => (
          <Table
            label="Runs, newest first"
            rows={rows}
            columns={COLUMNS}
            rowKey={(row) => row.id}
            href={(row) => `/runs/${row.id}`}
            chosen={new Set(chosen)}
            onChoose={(key) => setChosen(chosen.includes(key) ? chosen.filter((one) => one !== key) : [...chosen.slice(-1), key])}
            footer={<More pages={pages} noun="run" />}
          />
        )}
      </Listed>
    </Page>
  )
}

const COLUMNS: Column<Run>[] = [
  { id: 'run', head: 'Run', className: 'nowrap', cell: (row) => <Link to="/runs/$runId" params={{ runId: row.id }} title={row.id} style={{ color: 'var(--ink)', fontWeight: 550 }}>{shortId(row.id)}</Link> },
  { id: 'status', head: 'Status', cell: (row) => <StatusTag status={row.status} /> },
  { id: 'release', head: 'Release', className: 'nowrap', cell: (row) => (row.release ? <ReleaseLink id={row.release} /> : <span className="quiet">recorded answers</span>) },
  { id: 'dataset', head: 'Dataset', className: 'nowrap hide-s', cell: (row) => <Link to="/datasets/$name" params={{ name: row.dataset.name }} search={{ version: String(row.dataset.version) }}>{row.dataset.name} v{row.dataset.version}</Link> },
  { id: 'items', head: 'Items', className: 'num hide-m', cell: (row) => <>{count(row.progress.done)}{row.progress.done < row.progress.total && <span className="quiet"> of {count(row.progress.total)}</span>}</> },
  { id: 'score', head: 'First score', className: 'hide-l', cell: (row) => <FirstScore run={row} /> },
  { id: 'started', head: 'Started', className: 'num hide-s', cell: (row) => <Time at={row.started_at} /> },
]

function FirstScore({ run }: { run: Run }) {
  const first = Object.entries(run.scores)[0]
  if (!first) return <span className="quiet">none yet</span>
  return <><span className="quiet">{words(first[0])}</span> <EstimateText estimate={first[1]} /></>
}

function NoRun() {
  return (
    <Empty title="A run asks a release every question in a dataset and scores the answers">
      <Snippet text={'assay run golden --release support@1 --metrics fuzzy_match,groundedness --wait'} />
    </Empty>
  )
}
