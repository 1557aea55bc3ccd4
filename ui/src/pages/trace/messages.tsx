import { Button, Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { post, request } from '@/api/client'
import * as ask from '@/api/monitors'
import type { Notice, NotificationChannel } from '@/api/monitors'
import { useReturnedFocus } from '@/lib/focus'
import { useAddress } from '@/lib/search'
import { count, duration } from '@/lib/format'
import { Choice } from '@/parts/choice'
import { LimitedInput } from '@/parts/limited'
import { Listed, More, usePages } from '@/parts/list'
import { Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** The addresses that are told about incidents, and what they were told. */
export default function Messages() {
  const [address, change] = useAddress()
  const access = useAccess()
  const channels = useQuery(ask.channels)
  const sent = usePages<Notice>(ask.notices({ status: address.status, channel: address.channel }))
  const named = channels.data?.items.map((channel) => ({ value: channel.id, label: channel.name })) ?? []
  const nameOf = (id: string | undefined) => named.find((one) => one.value === id)?.label ?? id
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Section title="Addresses" note="they contain secrets, so only their scheme is shown" end={access.admin && <Button size="xs" onClick={() => change({ do: 'new-address' })}>Add an address</Button>}>
        <Loaded query={channels} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <Empty title="Nobody is notified yet"><p className="second prose">Incidents appear in the list of incidents, but nobody gets a message. Add an e-mail address, a chat room or a webhook; {access.admin ? 'you can test it right away.' : 'an admin of this project can.'}</p></Empty>
            ) : (
              <Table label="Addresses" rows={items} columns={addressColumns(access.admin)} rowKey={(row) => row.id} />
            )
          }
        </Loaded>
      </Section>
      <Section title="Messages" note="newest first">
        <div className="filters">
          <Choice name="Status" value={address.status} options={STATUSES} onChange={(status) => change({ status })} />
          <Choice name="Address" value={address.channel} shown={nameOf(address.channel)} options={named} onChange={(channel) => change({ channel })} />
        </div>
        <Listed pages={sent} empty={<p className="second">{address.status || address.channel ? 'No messages with this status.' : 'No messages sent yet.'}</p>}>
          {(rows) => <Table label="Messages, newest first" rows={rows} columns={messageColumns(nameOf)} rowKey={(row) => row.id} footer={<More pages={sent} noun="message" />} />}
        </Listed>
      </Section>
      {access.admin && address.do === 'new-address' && <NewAddress onClose={() => change({ do: undefined }, true)} />}
    </div>
  )
}

const addressColumns = (admin: boolean): Column<NotificationChannel>[] => [
  { id: 'name', head: 'Name', className: 'main-cell', cell: (row) => <div style={{ minWidth: 0 }}><div className="cut"><strong>{row.name}</strong> {!row.enabled && <span className="tag neutral">off</span>}</div>{row.last_error && <div className="small bad">{row.last_error}</div>}</div> },
  { id: 'address', head: 'Address', className: 'hide-s nowrap', cell: (row) => <code>{row.address}</code> },
  { id: 'last', head: 'Last message', className: 'num hide-s', cell: (row) => (row.last_sent_at ? <Time at={row.last_sent_at} /> : <span className="quiet">never</span>) },
  { id: 'do', head: <span className="sr">Actions</span>, className: 'num', cell: (row) => admin && <AddressActions row={row} /> },
]

function AddressActions({ row }: { row: NotificationChannel }) {
  const client = useQueryClient()
  const [sure, setSure] = useState(false)
  const path = `/notification-channels/${encodeURIComponent(row.id)}`
  const refresh = () => client.invalidateQueries({ queryKey: ['notification-channels'] })
  const test = useMutation({
    mutationFn: () => post<{ sent: boolean; error: string | null; took_ms: number }>(`${path}/test`),
    onSuccess: (told) => {
      notifications.show({ message: told.sent ? `${row.name} was notified in ${duration(told.took_ms)}.` : `${row.name} could not be notified: ${told.error}`, color: told.sent ? undefined : 'red', autoClose: 10_000 })
      return refresh()
    },
  })
  const toggle = useMutation({ mutationFn: () => request('PUT', path, { enabled: !row.enabled }), onSuccess: refresh })
  const remove = useMutation({ mutationFn: () => request('DELETE', path), onSuccess: refresh })
  const failed = [test, toggle, remove].find((one) => one.isError)
  return (
    <span className="line tight address-actions">
      {failed && <ProblemNote error={failed.error} />}
      <Button variant="default" size="compact-xs" loading={test.isPending} aria-label={`Send a test to ${row.name}`} onClick={() => test.mutate()}>Test</Button>
      <Button variant="default" size="compact-xs" loading={toggle.isPending} aria-label={`${row.enabled ? 'Turn off' : 'Turn on'} ${row.name}`} onClick={() => toggle.mutate()}>{row.enabled ? 'Turn off' : 'Turn on'}</Button>
      <Button variant="default" size="compact-xs" loading={remove.isPending} aria-label={`${sure ? 'Really remove' : 'Remove'} ${row.name}`} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))}>{sure ? 'Really remove' : 'Remove'}</Button>
    </span>
  )
}

const STATUSES = [{ value: 'waiting' }, { value: 'sent' }, { value: 'failed' }, { value: 'dropped', label: 'not sent' }]

const messageColumns = (nameOf: (id: string) => string | undefined): Column<Notice>[] => [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  {
    id: 'title',
    head: 'Message',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="cut">{row.incident ? <Link to="/incidents/$incidentId" params={{ incidentId: row.incident }}>{row.title}</Link> : row.title}</div>
        {row.error && <div className="small bad">{row.error}</div>}
      </div>
    ),
  },
  { id: 'event', head: 'About', className: 'hide-s nowrap', cell: (row) => row.event },
  { id: 'channel', head: 'To', className: 'hide-s nowrap', cell: (row) => nameOf(row.channel) },
  { id: 'tries', head: 'Tries', className: 'num hide-m', cell: (row) => <>{count(row.attempts + (row.status === 'sent' ? 1 : 0))}{row.next_at && <span className="quiet small">, next <Time at={row.next_at} /></span>}</> },
  { id: 'at', head: 'When', className: 'num', cell: (row) => <Time at={row.sent_at ?? row.created_at} /> },
]

function NewAddress({ onClose }: { onClose: () => void }) {
  useReturnedFocus()
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const client = useQueryClient()
  const create = useMutation({
    mutationFn: () => post('/notification-channels', { name: name.trim(), url: url.trim() }),
    onSuccess: async () => {
      await client.invalidateQueries({ queryKey: ['notification-channels'] })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>Add an address</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <LimitedInput label="Name" most={100} description="Monitors refer to it by this name." required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <TextInput label="Address" description="mailto://user:password@host?to=…, slack://…, json://host/path, and others of Apprise. It is not shown again." required type="password" autoComplete="off" value={url} onChange={(event) => setUrl(event.currentTarget.value)} />
        {create.isError && <ProblemNote error={create.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={create.isPending} disabled={!name.trim() || !url.trim()}>Add it</Button>
        </div>
      </form>
    </Modal>
  )
}
