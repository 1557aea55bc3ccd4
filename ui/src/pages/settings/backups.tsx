import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { post, Problem, request } from '@/api/client'
import * as ask from '@/api/keeping'
import type { Backup } from '@/api/keeping'
import { duration, plural, words } from '@/lib/format'
import { bytes } from '@/lib/size'
import { Snippet } from '@/parts/copy'
import { ReasonDialog } from '@/parts/dialog'
import { Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** Copies of everything, made while the server runs; and how one comes back. */
export default function Backups() {
  const access = useAccess()
  const backups = useQuery({ ...ask.backups, enabled: access.admin })
  const [making, make] = useState(false)
  if (!access.admin) return <p className="second">Only admins of the server’s first project can create backups. {access.why}</p>
  if (backups.error instanceof Problem && backups.error.status === 403) return <p className="notice">A backup contains all projects, so only admins of the server’s first project can create one.</p>
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Section title="Backups" note="of facts, decisions and jobs together, consistent to one moment" end={<Button size="xs" onClick={() => make(true)}>Create backup</Button>}>
        <Loaded query={backups} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="No backups yet"><p className="second prose">Backups run while the server is in use. To create one every night with cron: <code>assay backup</code>.</p></Empty>
            ) : (
              <Table label="Backups, newest first" rows={items} columns={COLUMNS} rowKey={(row) => row.id} />
            )
          }
        </Loaded>
      </Section>
      <Section title="Restore a backup" note="into an empty folder, beside the server or on another machine">
        <Snippet text={'assay backup verify BACKUP            # restores it aside and compares every count and hash\nassay restore BACKUP --data NEW_DIR   # then start: assay up --data NEW_DIR'} />
      </Section>
      <ReasonDialog opened={making} onClose={() => make(false)} title="Create a backup" action="Create" done="The backup is being created." send={(reason) => post('/backups', { reason })}>
        <p>It is written to the server’s backup folder and contains all data of every project, including texts. Store it where only you can read it. It will still contain people whose data is deleted later; the proof of their deletion will say so.</p>
      </ReasonDialog>
    </div>
  )
}

const COLUMNS: Column<Backup>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  {
    id: 'path',
    head: 'Backup',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <code className="cut" style={{ display: 'block' }} title={row.path ?? undefined}>{row.path ?? row.id}</code>
        {row.rows && <div className="small second">{held(row.rows)}</div>}
        {row.error && <div className="small bad">{row.error}</div>}
      </div>
    ),
  },
  { id: 'bytes', head: 'Size', className: 'num hide-s', cell: (row) => bytes(row.bytes) },
  { id: 'hold', head: 'Writers blocked', className: 'num hide-m', cell: (row) => (row.longest_hold_ms === null ? <span className="quiet">unknown</span> : duration(row.longest_hold_ms)) },
  { id: 'verified', head: 'Verified', className: 'num hide-m', cell: (row) => (row.verified_at ? <Time at={row.verified_at} /> : <span className="quiet">not yet</span>) },
  { id: 'at', head: 'Made', className: 'num', cell: (row) => <Time at={row.made_at} full /> },
  { id: 'do', head: <span className="sr">Actions</span>, className: 'num', cell: (row) => row.status !== 'running' && <BackupActions row={row} /> },
]

/** `1,204,331 spans, 80,114 scores`; what there is none of is not named. */
function held(rows: Record<string, number>): string {
  return Object.entries(rows).filter(([, n]) => n > 0).map(([table, n]) => plural(n, words(table).replace(/s$/, ''), words(table))).join(', ') || 'nothing yet'
}

function BackupActions({ row }: { row: Backup }) {
  const client = useQueryClient()
  const [removing, remove] = useState(false)
  const path = `/backups/${encodeURIComponent(row.id)}`
  const verify = useMutation({
    mutationFn: () => post(`${path}/verify`),
    onSuccess: async () => {
      notifications.show({ message: 'It is being restored to a temporary folder and compared. The result will appear in the list.', autoClose: 5000 })
      await client.invalidateQueries({ queryKey: ['backups'] })
    },
  })
  return (
    <span className="line tight address-actions">
      {verify.isError && <ProblemNote error={verify.error} />}
      {row.status === 'done' && <Button variant="default" size="compact-xs" loading={verify.isPending} aria-label={`Verify ${row.id}`} onClick={() => verify.mutate()}>Verify</Button>}
      <Button variant="default" size="compact-xs" aria-label={`Delete ${row.id}`} onClick={() => remove(true)}>Delete</Button>
      <ReasonDialog opened={removing} onClose={() => remove(false)} title="Delete this backup" action="Delete it" danger withoutReason done="The backup is deleted." send={() => request('DELETE', path)}>
        <p>The backup of <Time at={row.made_at} full /> ({bytes(row.bytes)}) is removed from the disk. This cannot be undone.</p>
      </ReasonDialog>
    </span>
  )
}
