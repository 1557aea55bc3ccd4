import { Button, Modal, SegmentedControl, Select, Switch, Tabs, useMantineColorScheme } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type ComponentType, type FormEvent, lazy, Suspense, useState } from 'react'
import { post, request } from '@/api/client'
import * as ask from '@/api/queries'
import type { Key, Provider, Role } from '@/api/types'
import { person } from '@/lib/format'
import { singleKeys } from '@/lib/keys'
import { useAddress } from '@/lib/search'
import { Snippet } from '@/parts/copy'
import { ReasonDialog } from '@/parts/dialog'
import { LimitedInput } from '@/parts/limited'
import { Facts, Page, Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote, Skeleton } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const Feedback = lazy(() => import('./feedback'))
const Retention = lazy(() => import('./retention'))
const Deletions = lazy(() => import('./deletions'))
const Sampling = lazy(() => import('./sampling'))
const Flags = lazy(() => import('./flags'))
const Quotas = lazy(() => import('./quotas'))
const Exports = lazy(() => import('./exports'))
const Forwards = lazy(() => import('./forwards'))
const Backups = lazy(() => import('./backups'))

const TABS: [string, string, ComponentType][] = [
  ['keys', 'Keys', Keys],
  ['providers', 'Providers', Providers],
  ['feedback', 'Feedback', Feedback],
  ['quotas', 'Quotas', Quotas],
  ['sampling', 'Sampling', Sampling],
  ['flags', 'Flags', Flags],
  ['retention', 'Retention', Retention],
  ['privacy', 'Privacy', Deletions],
  ['exports', 'Exports', Exports],
  ['forwarding', 'Forwarding', Forwards],
  ['backups', 'Backups', Backups],
  ['you', 'You', You],
]

export function Settings() {
  const [address, change] = useAddress()
  const tab = TABS.some(([value]) => value === address.tab) ? address.tab! : 'keys'
  return (
    <Page title="Settings">
      <Tabs value={tab} onChange={(next) => change({ tab: next && next !== 'keys' ? next : undefined, do: undefined, export: undefined, user: undefined })} keepMounted={false}>
        <Tabs.List mb="md">{TABS.map(([value, label]) => <Tabs.Tab key={value} value={value}>{label}</Tabs.Tab>)}</Tabs.List>
        {TABS.map(([value, , Body]) => (
          <Tabs.Panel key={value} value={value}><Suspense fallback={<Skeleton lines={5} />}><Body /></Suspense></Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}

const ROLES: { value: Role; label: string }[] = [
  { value: 'ingest', label: 'ingest: send traces, call models' },
  { value: 'score', label: 'score: send scores only' },
  { value: 'viewer', label: 'viewer: read everything' },
  { value: 'editor', label: 'editor: everything except keys and providers' },
  { value: 'admin', label: 'admin: everything' },
]

function Keys() {
  const [address, change] = useAddress()
  const access = useAccess()
  const keys = useQuery({ ...ask.keys, enabled: access.admin })
  const [revoking, revoke] = useState<Key | null>(null)
  if (!access.admin) return <p className="second">Keys are managed by admins of this project. {access.why}</p>
  return (
    <Section title="Keys" note="stored as hashes; a secret is shown once" end={<Button onClick={() => change({ do: 'create-key' })}>Create a key</Button>}>
      <Loaded query={keys}>
        {({ items }) => (items.length === 0 ? <Empty title="No key yet"><p className="second">An application or a script signs in with a key.</p></Empty> : <Table label="Keys" rows={items} columns={keyColumns(revoke)} rowKey={(row) => row.id} />)}
      </Loaded>
      <CreateKey opened={address.do === 'create-key'} onClose={() => change({ do: undefined }, true)} />
      <ReasonDialog
        opened={revoking !== null}
        onClose={() => revoke(null)}
        title={`Revoke ${revoking?.name ?? 'this key'}`}
        action="Revoke the key"
        danger
        done="The key is revoked."
        send={(reason) => request('DELETE', `/keys/${encodeURIComponent(revoking!.id)}`, { reason })}
      >
        <p>Anything that uses this key is refused from the next request on. This cannot be undone; a new key has a different secret.</p>
        {revoking && <p className="second">Last used: <LastUse of={revoking} />.</p>}
        {revoking && access.actor === `key:${revoking.id}` && <p className="notice bad">You are signed in with this key and will be signed out.</p>}
      </ReasonDialog>
    </Section>
  )
}

const keyColumns = (revoke: (key: Key) => void): Column<Key>[] => [
  { id: 'name', head: 'Name', cell: (row) => <strong title={row.id}>{row.name ?? person(`key:${row.id}`)}</strong> },
  { id: 'role', head: 'Role', cell: (row) => row.role },
  { id: 'public', head: 'Public part', className: 'hide-m', cell: (row) => row.public_key && <code>{row.public_key}</code> },
  { id: 'created', head: 'Created', className: 'hide-s', cell: (row) => <Time at={row.created_at} /> },
  { id: 'used', head: 'Last used', cell: (row) => <LastUse of={row} /> },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => row.created_by && <Person actor={row.created_by} /> },
  { id: 'revoke', head: <span className="sr">Revoke</span>, className: 'num', cell: (row) => (row.revoked_at ? <span className="quiet">revoked</span> : <button type="button" className="linkish" aria-label={`Revoke ${row.name ?? row.id}`} onClick={() => revoke(row)}>Revoke</button>) },
]

/** By a request or by somebody who is signed in with it. Of older keys it is not known what was before uses were noted. */
function LastUse({ of }: { of: Key }) {
  if (of.last_used_at) return <Time at={of.last_used_at} />
  if (of.use_known_since === of.created_at) return <span className="quiet">never</span>
  const since = new Date(of.use_known_since)
  return <span className="quiet" title={of.use_known_since}>not since {since.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })}</span>
}

function CreateKey({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const [name, setName] = useState('')
  const [role, setRole] = useState<string>('ingest')
  const client = useQueryClient()
  const create = useMutation({
    mutationFn: () => post<Key>('/keys', { name: name.trim(), role }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['keys'] }),
  })
  const close = () => {
    create.reset()
    setName('')
    onClose()
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  return (
    <Modal opened={opened} onClose={close} title={<strong>Create a key</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }} closeOnClickOutside={!create.data} closeOnEscape={!create.data}>
      {create.data ? (
        <div className="stack">
          <p><strong>Copy the secret now.</strong> It is not stored and cannot be shown again.</p>
          <Snippet text={create.data.secret ?? ''} />
          <p className="second">For an application:</p>
          <Snippet text={`export ASSAY_URL=${window.location.origin}\nexport ASSAY_API_KEY=${create.data.secret ?? ''}`} />
          <div className="line" style={{ justifyContent: 'flex-end' }}><Button onClick={close}>I have copied it</Button></div>
        </div>
      ) : (
        <form className="stack" onSubmit={submit}>
          <LimitedInput label="Name" most={100} description="Who or what will use this key." required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Select label="Role" data={ROLES} value={role} onChange={(value) => value && setRole(value)} allowDeselect={false} />
          {create.isError && <ProblemNote error={create.error} />}
          <div className="line" style={{ justifyContent: 'flex-end' }}>
            <Button variant="default" onClick={close}>Cancel</Button>
            <Button type="submit" loading={create.isPending} disabled={!name.trim()}>Create</Button>
          </div>
        </form>
      )}
    </Modal>
  )
}

const PROVIDERS: Column<Provider>[] = [
  { id: 'name', head: 'Name', cell: (row) => <strong>{row.name}</strong> },
  { id: 'kind', head: 'Speaks', cell: (row) => row.kind },
  { id: 'url', head: 'Address', className: 'main-cell', cell: (row) => <code className="cut" style={{ display: 'block' }}>{row.base_url}</code> },
  { id: 'key', head: 'Key from', className: 'hide-s nowrap', cell: (row) => (row.key_env ? <code>${row.key_env}</code> : <span className="quiet">none</span>) },
]

function Providers() {
  const providers = useQuery(ask.providers)
  return (
    <Section title="Providers" note="where models are called; secrets stay in the server's environment">
      <Loaded query={providers}>
        {({ items }) => (
          <>
            {items.length > 0 && <Table label="Providers" rows={items} columns={PROVIDERS} rowKey={(row) => row.name} />}
            {items.length === 0 && <p className="second">No providers yet: the gateway has nothing to call.</p>}
            <Snippet text="assay provider add openai --kind openai --base-url https://api.openai.com/v1 --key-env OPENAI_API_KEY" />
          </>
        )}
      </Loaded>
    </Section>
  )
}

function You() {
  const info = useQuery(ask.info)
  const client = useQueryClient()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const [keys, setKeys] = useState(singleKeys.on())
  const leave = useMutation({ mutationFn: () => request('DELETE', '/session'), onSuccess: () => client.resetQueries() })
  return (
    <Section title="You">
      <Facts rows={[['Signed in as', <Person key="actor" actor={info.data?.actor} />], ['Role', info.data?.role], ['Project', info.data?.project_name], ['Its id', info.data?.project], ['Version', info.data?.version]]} />
      <div>
        <h3 style={{ marginBottom: 4 }}>Colours</h3>
        <SegmentedControl size="xs" aria-label="Colours" data={[{ value: 'auto', label: 'As the system' }, { value: 'light', label: 'Light' }, { value: 'dark', label: 'Dark' }]} value={colorScheme} onChange={(value) => setColorScheme(value as 'auto')} />
      </div>
      <Switch
        label="Single-key shortcuts (j, k, x, /, g t)"
        checked={keys}
        onChange={(event) => {
          singleKeys.set(event.currentTarget.checked)
          setKeys(event.currentTarget.checked)
        }}
      />
      {leave.isError && <ProblemNote error={leave.error} />}
      <div><Button variant="default" loading={leave.isPending} onClick={() => leave.mutate()}>Sign out</Button></div>
    </Section>
  )
}
