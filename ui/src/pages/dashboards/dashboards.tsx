import { Button, Modal } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { request } from '@/api/client'
import * as ask from '@/api/dashboards'
import type { DashboardLine } from '@/api/dashboards'
import { useReturnedFocus } from '@/lib/focus'
import { plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { LimitedInput } from '@/parts/limited'
import { Page } from '@/parts/page'
import { Loaded, ProblemNote } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** Every dashboard: those that are there from the first day, and the project's own. */
export function Dashboards() {
  const [address, change] = useAddress()
  const access = useAccess()
  const found = useQuery(ask.dashboards)
  return (
    <Page title="Dashboards" actions={access.write && <Button onClick={() => change({ do: 'new' })}>New dashboard</Button>}>
      <Loaded query={found}>
        {({ items }) => (
          <div className="stack">
            <p className="lead">{leadOf(items)}</p>
            <Table label="Dashboards" rows={items} columns={COLUMNS} rowKey={(row) => row.name} href={(row) => `/dashboards/${row.name}`} />
          </div>
        )}
      </Loaded>
      {access.write && address.do === 'new' && <NewDashboard onClose={() => change({ do: undefined }, true)} />}
    </Page>
  )
}

function leadOf(items: DashboardLine[]): string {
  const own = items.filter((one) => !one.ready_made).length
  const ready = items.length - own
  return own === 0
    ? `${plural(ready, 'dashboard')} included. Edit one to make it your own, or build new ones from panels and SQL.`
    : `${plural(ready, 'dashboard')} included, and ${own} of your own.`
}

const COLUMNS: Column<DashboardLine>[] = [
  {
    id: 'title',
    head: 'Dashboard',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <div className="cut"><Link to="/dashboards/$name" params={{ name: row.name }}>{row.title}</Link></div>
        <div className="cut small second">{row.description}</div>
      </div>
    ),
  },
  { id: 'panels', head: 'Panels', className: 'num hide-s', cell: (row) => row.panels },
  { id: 'whose', head: 'Saved by', className: 'hide-m nowrap', cell: (row) => (row.ready_made ? <span className="quiet">included</span> : <Person actor={row.updated_by} />) },
  { id: 'at', head: 'Saved', className: 'num hide-m', cell: (row) => (row.updated_at ? <Time at={row.updated_at} /> : <span className="quiet">–</span>) },
]

/** `Über alles` → `uber-alles`; a title in another script has a number instead. */
function nameOf(title: string, taken: string[]): string {
  if (!title.trim()) return ''
  const plain = title.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 64).replace(/^-+|-+$/g, '')
  if (plain) return plain
  let n = 1
  while (taken.includes(`dashboard-${n}`)) n += 1
  return `dashboard-${n}`
}

function NewDashboard({ onClose }: { onClose: () => void }) {
  useReturnedFocus()
  const [title, setTitle] = useState('')
  const client = useQueryClient()
  const navigate = useNavigate()
  const known = useQuery(ask.dashboards)
  const names = known.data?.items.map((one) => one.name) ?? []
  const name = nameOf(title, names)
  const taken = names.includes(name)
  const making = useMutation({
    mutationFn: () => request('PUT', ask.at(name), { title: title.trim(), description: '', range: '24h', variables: ['environment'], panels: [] }, undefined, 0),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['dashboards'] })
      await navigate({ to: '/dashboards/$name', params: { name }, search: { edit: '1' } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    making.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>New dashboard</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <LimitedInput label="Title" most={200} required data-autofocus value={title} onChange={(event) => setTitle(event.currentTarget.value)} description={name ? `Its address: /dashboards/${name}` : 'What it answers'} error={taken && 'A dashboard with this name exists.'} />
        {making.isError && <ProblemNote error={making.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" disabled={!name || taken} loading={making.isPending}>Create</Button>
        </div>
      </form>
    </Modal>
  )
}
