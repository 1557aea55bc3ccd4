import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { isThere, request } from '@/api/client'
import * as ask from '@/api/monitors'
import type { Definition, Monitor } from '@/api/monitors'
import { useAddress } from '@/lib/search'
import { definitionOf, type Draft, draftOf, EMPTY, searching } from '@/lib/watch-form'
import { useDraft } from '@/parts/leaving'
import { LimitedInput } from '@/parts/limited'
import { Overtaken } from '@/parts/overtaken'
import { Page } from '@/parts/page'
import { Loaded, ProblemNote } from '@/parts/states'
import { useAccess } from '@/shell/access'
import { Rehearsed } from './rehearsal'
import { Limits, Measure, Telling, Whose } from './fields'

/** A monitor is written here, and shows beside it what it would have said in the past week. */
export function NewMonitor() {
  const [address] = useAddress()
  const from = useQuery({ ...ask.monitor(address.from ?? ''), enabled: Boolean(address.from) })
  return (
    <Page title="New monitor" crumbs={<Link to="/monitors">Monitors</Link>}>
      {address.from ? (
        <Loaded query={from}>{(monitor) => <Form start={{ ...draftOf(monitor), name: `${monitor.name}-2` }} />}</Loaded>
      ) : (
        <Form start={address.search ? searching(address.search) : EMPTY} />
      )}
    </Page>
  )
}

export function EditMonitor() {
  const { monitorId } = useParams({ strict: false }) as { monitorId: string }
  const found = useQuery({ ...ask.monitor(monitorId), refetchInterval: false, refetchOnWindowFocus: false })
  return (
    <Page title={`Change ${found.data?.name ?? 'a monitor'}`} crumbs={<><Link to="/monitors">Monitors</Link> / <Link to="/monitors/$monitorId" params={{ monitorId }}>{found.data?.name ?? monitorId}</Link></>}>
      <Loaded query={found}>{(monitor) => <Form start={draftOf(monitor)} existing={monitor} />}</Loaded>
    </Page>
  )
}

function Form({ start: now, existing }: { start: Draft; existing?: Monitor }) {
  const [start] = useState(now)
  const [seen] = useState(existing?.revision) // of what the draft was begun from
  const [draft, setDraft] = useState(start)
  const access = useAccess()
  const navigate = useNavigate()
  const client = useQueryClient()
  const definition = definitionOf(draft)
  const change = (next: Partial<Draft>) => setDraft((old) => ({ ...old, ...next }))
  const { ask: asked, letGo } = useDraft(JSON.stringify(draft) !== JSON.stringify(start), 'this monitor')
  const path = `/monitors/${encodeURIComponent(existing?.id ?? '')}`
  const save = useMutation({
    mutationFn: ({ body, anew }: { body: Definition; anew?: boolean }) => (existing && !anew ? request<Monitor>('PUT', path, body, undefined, seen) : request<Monitor>('POST', '/monitors', body)),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['monitors'] })
      notifications.show({ message: existing ? `${made.name} has been updated.` : `${made.name} is now watching.`, autoClose: 5000 })
      letGo()
      await navigate({ to: '/monitors/$monitorId', params: { monitorId: made.id } })
    },
  })
  const show = async () => {
    letGo()
    await navigate({ to: '/monitors/$monitorId', params: { monitorId: existing!.id } })
  }
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (definition) save.mutate({ body: definition })
  }
  if (!access.write) return <p className="notice">{access.why}</p>
  return (
    <div className="columns">
      <form className="stack" style={{ gap: 'var(--gap)' }} onSubmit={submit}>
        <LimitedInput label="Name" most={100} description="a to z, digits, '.', '_' and '-'" required pattern="[a-z0-9][a-z0-9._\-]*" value={draft.name} onChange={(event) => change({ name: event.currentTarget.value })} />
        <Measure draft={draft} change={change} />
        <Whose draft={draft} change={change} />
        <Limits draft={draft} change={change} />
        <Telling draft={draft} change={change} />
        {existing && measuresOther(draft, start) && <p className="notice unsure">This changes what is measured. Incidents open under the old definition will be resolved.</p>}
        {save.isError && <ProblemNote error={save.error} />}
        {existing && <Overtaken error={save.error} isThere={() => isThere(path)} onAnew={() => definition && save.mutate({ body: definition, anew: true })} onShow={() => void client.invalidateQueries({ queryKey: ['monitors'] }).then(show)} />}
        <div className="line">
          <Button type="submit" loading={save.isPending} disabled={!definition || !draft.name.trim()}>{existing ? 'Change it' : 'Watch it'}</Button>
          <Button component={Link} to="/monitors" variant="default">Cancel</Button>
        </div>
      </form>
      <Rehearsed definition={definition} />
      {asked}
    </div>
  )
}

/** The server forgets states where the metric, filter, group or kind of rule is another. */
function measuresOther(draft: Draft, start: Draft): boolean {
  const of = ({ metric, quantile, threshold_ms, score, source, bucket, line, side, filter, group_by, kind }: Draft) => JSON.stringify([metric, quantile, threshold_ms, score, source, bucket, line, side, filter, group_by, kind])
  return of(draft) !== of(start)
}
