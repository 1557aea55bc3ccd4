import { Button, MultiSelect, Select, Tabs, Textarea } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { IconArrowDown, IconArrowUp, IconPencil, IconPlus, IconX } from '@tabler/icons-react'
import { lazy, Suspense, useState } from 'react'
import { isThere, post, request } from '@/api/client'
import * as ask from '@/api/dashboards'
import type { Dashboard, Definition, Panel, Scope } from '@/api/dashboards'
import { rangeName } from '@/lib/range'
import { type Search, useAddress } from '@/lib/search'
import { useDraft } from '@/parts/leaving'
import { LimitedInput } from '@/parts/limited'
import { Overtaken } from '@/parts/overtaken'
import { ProblemNote } from '@/parts/states'
import { PanelFrame } from './panel-view'

const PanelEditor = lazy(() => import('./panel-editor'))
const NEW = 0 // the revision of what is not there yet

interface Props {
  dashboard: Dashboard
  scope: Scope
  onClose: () => void
}

/** The draft of a dashboard: nothing is saved before the button, and nobody else's change is lost by it. */
export default function DashboardEditor({ dashboard: now, scope, onClose }: Props) {
  const [dashboard] = useState(now) // what the draft was begun from: the page may learn of a newer one meanwhile
  const [draft, setDraft] = useState<Definition>(() => ask.definitionOf(dashboard))
  const [yaml, setYaml] = useState(dashboard.yaml)
  const [written, setWritten] = useState<string | null>(null) // YAML that was typed and is not the draft yet
  const [panelChanged, setPanelChanged] = useState(false) // in its own dialog, and not in the draft yet
  const changed = written !== null || panelChanged || JSON.stringify(draft) !== JSON.stringify(ask.definitionOf(dashboard))
  const { ask: asked, letGo } = useDraft(changed, 'this dashboard', (next) => (next.search as Search).edit === '1')
  const [address, change] = useAddress()
  const client = useQueryClient()
  const parsed = (text: string) => post<Definition & { yaml: string }>('/dashboards/parse', { name: dashboard.name, saved_as: dashboard.name, yaml: text })
  const read = async () => {
    if (written === null) return draft
    const found = await parsed(written)
    setDraft(ask.definitionOf(found))
    setYaml(found.yaml)
    setWritten(null)
    return ask.definitionOf(found)
  }
  const saving = useMutation({
    mutationFn: async (revision: number) => request<Dashboard>('PUT', ask.at(dashboard.name), await read(), undefined, revision),
    onSuccess: async (saved) => {
      client.setQueryData(ask.dashboard(dashboard.name).queryKey, saved)
      await client.invalidateQueries({ queryKey: ['dashboards'] })
      notifications.show({ message: `${saved.title} is saved.` })
      close()
    },
  })
  const close = () => {
    letGo()
    onClose()
  }
  const edit = (next: Partial<Definition>) => setDraft((before) => ({ ...before, ...next }))
  // One draft, two ways to write it: either tab begins with what was done in the other.
  const turning = useMutation({
    mutationFn: async (tab: 'yaml' | undefined) => {
      if (tab === undefined) await read()
      else setYaml((await parsed(JSON.stringify(draft))).yaml) // JSON is YAML
      return tab
    },
    onSuccess: (tab) => change({ tab }, true),
  })
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <div className="line">
        <Button loading={saving.isPending} disabled={!draft.title.trim()} onClick={() => saving.mutate(dashboard.revision)}>Save</Button>
        <Button variant="default" onClick={close}>Discard</Button>
        {dashboard.ready_made && <span className="small second">This dashboard is included with Assay. Saving replaces it for your project; deleting your version restores the original.</span>}
        {!dashboard.ready_made && <Delete dashboard={dashboard} letGo={letGo} />}
      </div>
      {saving.isError && <ProblemNote error={saving.error} />}
      <Overtaken error={saving.error} isThere={() => isThere(ask.at(dashboard.name))} onAnew={() => saving.mutate(NEW)} onShow={() => void client.invalidateQueries({ queryKey: ['dashboards', dashboard.name] }).then(close)} />
      {turning.isError && <ProblemNote error={turning.error} />}
      <Tabs value={address.tab === 'yaml' ? 'yaml' : 'panels'} onChange={(tab) => turning.mutate(tab === 'yaml' ? 'yaml' : undefined)} keepMounted={false}>
        <Tabs.List mb="md"><Tabs.Tab value="panels">Panels</Tabs.Tab><Tabs.Tab value="yaml">YAML</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="panels">
          <About draft={draft} edit={edit} />
          <Panels draft={draft} edit={edit} scope={scope} onChanged={setPanelChanged} />
        </Tabs.Panel>
        <Tabs.Panel value="yaml"><Written name={dashboard.name} text={written ?? yaml} reading={turning.isPending} onChange={setWritten} onRead={() => turning.mutate(undefined)} /></Tabs.Panel>
      </Tabs>
      {asked}
    </div>
  )
}

interface DraftProps {
  draft: Definition
  edit: (next: Partial<Definition>) => void
}

function About({ draft, edit }: DraftProps) {
  const known = useQuery(ask.words)
  return (
    <div className="line" style={{ alignItems: 'end', marginBottom: '1.25rem' }}>
      <LimitedInput label="Title" most={200} required value={draft.title} onChange={(event) => edit({ title: event.currentTarget.value })} />
      <LimitedInput label="What it answers" most={2000} w={320} value={draft.description} onChange={(event) => edit({ description: event.currentTarget.value })} />
      <Select label="Default range" w={150} data={(known.data?.ranges ?? [draft.range]).map((value) => ({ value, label: rangeName(value) }))} value={draft.range} allowDeselect={false} onChange={(range) => edit({ range: range! })} />
      <MultiSelect label="Viewers can filter by" w={280} data={known.data?.variables ?? draft.variables} value={draft.variables} onChange={(variables) => edit({ variables })} />
    </div>
  )
}

function Panels({ draft, edit, scope, onChanged }: DraftProps & { scope: Scope; onChanged: (changed: boolean) => void }) {
  const [editing, setEditing] = useState<number | null>(null)
  const close = () => {
    setEditing(null)
    onChanged(false)
  }
  const put = (at: number, panel: Panel) => edit({ panels: at === draft.panels.length ? [...draft.panels, panel] : draft.panels.map((one, i) => (i === at ? panel : one)) })
  const move = (at: number, to: number) => {
    const panels = [...draft.panels]
    panels.splice(to, 0, ...panels.splice(at, 1))
    edit({ panels })
  }
  return (
    <>
      <div className="panels">
        {draft.panels.map((panel, at) => (
          <PanelFrame
            key={panel.id}
            panel={panel}
            scope={scope}
            end={
              <>
                <button type="button" className="icon-button" aria-label={`Move ${panel.title} up`} disabled={at === 0} onClick={() => move(at, at - 1)}><IconArrowUp size={14} aria-hidden /></button>
                <button type="button" className="icon-button" aria-label={`Move ${panel.title} down`} disabled={at === draft.panels.length - 1} onClick={() => move(at, at + 1)}><IconArrowDown size={14} aria-hidden /></button>
                <button type="button" className="icon-button" aria-label={`Edit ${panel.title}`} onClick={() => setEditing(at)}><IconPencil size={14} aria-hidden /></button>
                <button type="button" className="icon-button" aria-label={`Remove ${panel.title}`} onClick={() => edit({ panels: draft.panels.filter((_, i) => i !== at) })}><IconX size={14} aria-hidden /></button>
              </>
            }
          />
        ))}
      </div>
      <div style={{ marginTop: '1.5rem' }}><Button variant="default" leftSection={<IconPlus size={14} aria-hidden />} onClick={() => setEditing(draft.panels.length)}>Add a panel</Button></div>
      {editing !== null && (
        <Suspense fallback={null}>
          <PanelEditor panel={draft.panels[editing]} taken={draft.panels.filter((_, i) => i !== editing).map((one) => one.id)} scope={scope} onChanged={onChanged} onDone={(panel) => { put(editing, panel); close() }} onClose={close} />
        </Suspense>
      )}
    </>
  )
}

interface WrittenProps {
  name: string
  text: string
  reading: boolean
  onChange: (text: string) => void
  onRead: () => void
}

/** The same document as in a file; reading it checks it, and saves nothing. */
function Written({ name, text, reading, onChange, onRead }: WrittenProps) {
  return (
    <div className="stack">
      <p className="small second prose">The draft, as <code>assay dashboard export {name}</code> writes it once it is saved. Apply it to preview the panels; saving applies it, too.</p>
      <Textarea aria-label="YAML" classNames={{ input: 'mono' }} autosize minRows={12} maxRows={32} spellCheck={false} value={text} onChange={(event) => onChange(event.currentTarget.value)} />
      <div><Button variant="default" loading={reading} onClick={onRead}>Read it</Button></div>
    </div>
  )
}

function Delete({ dashboard, letGo }: { dashboard: Dashboard; letGo: () => void }) {
  const [sure, setSure] = useState(false)
  const client = useQueryClient()
  const navigate = useNavigate()
  const deleting = useMutation({
    mutationFn: () => request('DELETE', ask.at(dashboard.name), undefined, undefined, dashboard.revision),
    onSuccess: async () => {
      letGo()
      await navigate({ to: '/dashboards' })
      await client.invalidateQueries({ queryKey: ['dashboards'] })
    },
  })
  return (
    <>
      <Button variant="default" color="red.8" loading={deleting.isPending} onBlur={() => setSure(false)} onClick={() => (sure ? deleting.mutate() : setSure(true))}>{sure ? 'Really delete it' : 'Delete'}</Button>
      {deleting.isError && <ProblemNote error={deleting.error} />}
    </>
  )
}
