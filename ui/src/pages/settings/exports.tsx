import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { post, request } from '@/api/client'
import * as ask from '@/api/forwarding'
import type { ExportRun, ScheduledExport } from '@/api/forwarding'
import { count, plural } from '@/lib/format'
import { placeOf } from '@/lib/exports'
import { useAddress } from '@/lib/search'
import { bytes } from '@/lib/size'
import { ReasonDialog } from '@/parts/dialog'
import { Listed, More, usePages } from '@/parts/list'
import { Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { ExportForm } from './export-form'

/** Files that are written by themselves: one for each hour, day or week. */
export default function Exports() {
  const [address, change] = useAddress()
  const access = useAccess()
  const found = useQuery(ask.exports)
  const shown = found.data?.items.find((one) => one.id === address.export)
  const [changing, setChanging] = useState<ScheduledExport | null>(null) // kept here: what is typed stays when somebody else deletes it
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Section title="Scheduled exports" note="one file per window; running it again replaces the file" end={access.admin && <Button size="xs" onClick={() => change({ do: 'new-export' })}>New export</Button>}>
        <Loaded query={found} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No scheduled exports yet">
                <p className="second prose">Export traces, spans or scores as Parquet, CSV or JSON Lines to a folder on the server or a bucket, for Power BI, Metabase or notebooks. {access.admin ? '' : 'Only admins of this project can set this up.'} For a single file, use Export above the list of traces.</p>
              </Empty>
            ) : (
              <Table label="Scheduled exports" rows={items} columns={columnsOf((id) => change({ export: id }))} rowKey={(row) => row.id} />
            )
          }
        </Loaded>
      </Section>
      {shown && <Opened one={shown} onChange={() => setChanging(shown)} onClose={() => change({ export: undefined })} />}
      {found.data && address.export && !shown && <p className="notice" role="status">The export in this link does not exist or was deleted. Its files stay where they are.</p>}
      {access.admin && changing && <ExportForm existing={changing} onClose={() => setChanging(null)} />}
      {access.admin && address.do === 'new-export' && <ExportForm onClose={() => change({ do: undefined }, true)} />}
    </div>
  )
}

const columnsOf = (open: (id: string) => void): Column<ScheduledExport>[] => [
  { id: 'state', head: 'Last file', className: 'nowrap', cell: (row) => (!row.enabled ? <StatusTag status="off" /> : row.last ? <StatusTag status={row.last.status} /> : <span className="quiet">none yet</span>) },
  {
    id: 'name',
    head: 'Export',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <button type="button" className="linkish" onClick={() => open(row.id)}>{row.name}</button>
        <div className="small second cut">{row.what} as {row.format}, every {row.every}, to <code>{placeOf(row.target)}</code></div>
        {row.last?.error && <div className="small bad">{row.last.error}</div>}
      </div>
    ),
  },
  { id: 'rows', head: 'Rows', className: 'num hide-s', cell: (row) => (row.last?.rows === null || row.last === null ? <span className="quiet">none</span> : count(row.last.rows)) },
  { id: 'bytes', head: 'Size', className: 'num hide-m', cell: (row) => (row.last ? bytes(row.last.bytes) : <span className="quiet">none</span>) },
  { id: 'next', head: 'Next', className: 'num', cell: (row) => (row.enabled && row.next_at ? <Time at={row.next_at} /> : <span className="quiet">not planned</span>) },
]

/** One export: its files, and what can be done with it. */
function Opened({ one, onChange, onClose }: { one: ScheduledExport; onChange: () => void; onClose: () => void }) {
  const access = useAccess()
  const client = useQueryClient()
  const [removing, remove] = useState(false)
  const runs = usePages<ExportRun>({ ...ask.exportRuns(one.id), refetchInterval: 5_000 })
  const path = `/exports/${encodeURIComponent(one.id)}`
  const run = useMutation({
    mutationFn: () => post(`${path}/run`),
    onSuccess: async () => {
      notifications.show({ message: 'The file for the last complete window is being written.', autoClose: 4000 })
      await client.invalidateQueries({ queryKey: [`exports/${one.id}/runs`] })
    },
  })
  return (
    <Section
      title={`Files of ${one.name}`}
      note="newest first"
      end={
        <span className="line tight">
          {access.write && <Button variant="default" size="compact-xs" loading={run.isPending} onClick={() => run.mutate()}>Rewrite the last file</Button>}
          {access.admin && <Button variant="default" size="compact-xs" onClick={onChange}>Change</Button>}
          {access.admin && <Button variant="default" size="compact-xs" onClick={() => remove(true)}>Delete</Button>}
          <Button variant="default" size="compact-xs" onClick={onClose}>Close</Button>
        </span>
      }
    >
      {run.isError && <ProblemNote error={run.error} />}
      <Listed pages={runs} empty={<p className="second">No files yet{one.next_at && <>; the first comes <Time at={one.next_at} /></>}.</p>}>
        {(rows) => <Table label="Files, newest first" rows={rows} columns={RUNS} rowKey={(row) => `${row.window_start} ${row.started_at}`} footer={<More pages={runs} noun="file" />} />}
      </Listed>
      <ReasonDialog opened={removing} onClose={() => remove(false)} onDone={onClose} title={`Delete ${one.name}`} action="Delete the export" danger withoutReason done="No more files will be written." send={() => request('DELETE', path, undefined, undefined, one.revision)}>
        <p>No more files will be written. Existing files stay where they are.</p>
      </ReasonDialog>
    </Section>
  )
}

const RUNS: Column<ExportRun>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  { id: 'window', head: 'Window', className: 'nowrap', cell: (row) => <Time at={row.window_start} full /> },
  { id: 'file', head: 'File', className: 'main-cell', cell: (row) => <div style={{ minWidth: 0 }}><code className="cut" style={{ display: 'block' }}>{row.file ?? ''}</code>{row.error && <div className="small bad">{row.error}</div>}</div> },
  { id: 'rows', head: 'Rows', className: 'num', cell: (row) => (row.rows === null ? <span className="quiet">none</span> : count(row.rows)) },
  { id: 'bytes', head: 'Size', className: 'num hide-s', cell: (row) => (row.bytes === null ? <span className="quiet">none</span> : bytes(row.bytes)) },
  { id: 'tries', head: 'Tries', className: 'num hide-m', cell: (row) => plural(row.attempts, 'try', 'tries') },
]
