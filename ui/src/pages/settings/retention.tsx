import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { IconPlus, IconX } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { post, request, type Tagged } from '@/api/client'
import * as ask from '@/api/keeping'
import type { Pass, Retention, RetentionRule } from '@/api/keeping'
import { duration } from '@/lib/format'
import { changesOf, keptFor, PARTS, removedIn, unfinished } from '@/lib/keeping'
import { serverNow } from '@/lib/now'
import { ReasonDialog } from '@/parts/dialog'
import { sameTab, useDraft } from '@/parts/leaving'
import { LimitedInput } from '@/parts/limited'
import { Listed, More, usePages } from '@/parts/list'
import { NumberBox } from '@/parts/number-field'
import { Newer, useBegun } from '@/parts/overtaken'
import { Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, ProblemNote, Skeleton } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** How long what is kept: of the whole project and of single environments, text apart from the rest. */
export default function RetentionSettings() {
  const found = useQuery(ask.retention)
  const passes = usePages<Pass>(ask.passes())
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Loaded query={found} lines={4}>{(retention) => <Rules now={retention} />}</Loaded>
      <Section title="What was deleted" note="passes that deleted something, newest first" end={<RunNow />}>
        <Listed pages={passes} empty={<p className="second">Nothing has been deleted yet.</p>}>
          {(rows) => <Table label="Passes, newest first" rows={rows} columns={PASSES} rowKey={(row) => row.id} footer={<More pages={passes} noun="pass" many="passes" />} />}
        </Listed>
      </Section>
    </div>
  )
}

const WHOLE: RetentionRule = { environment: null, metadata_days: null, text_days: null, scores_days: null, runs_days: null }

const draftOf = ({ rules }: Retention): RetentionRule[] => (rules.some((rule) => rule.environment === null) ? rules : [WHOLE, ...rules])

function Rules({ now }: { now: Tagged<Retention> }) {
  const access = useAccess()
  const [rules, setRules] = useState<RetentionRule[]>(draftOf(now))
  const [saving, save] = useState(false)
  const meant = rules.filter((rule) => rule.environment !== null || PARTS.some(([part]) => (rule[part] ?? null) !== null))
  const { begun: retention, newer, take } = useBegun<Retention>(now, { isSame: (saved) => changesOf(saved.rules, meant).length === 0, start: (saved) => setRules(draftOf(saved)) })
  const changes = changesOf(retention.rules, meant)
  const open = unfinished(meant)
  const { ask: asked } = useDraft(changes.length > 0, 'these rules', (next) => sameTab(next, 'retention'))
  const set = (index: number, next: Partial<RetentionRule>) => setRules(rules.map((rule, i) => (i === index ? { ...rule, ...next } : rule)))
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save(true)
  }
  return (
    <Section title="Kept for" note={retention.updated_at && <>set <Time at={retention.updated_at} /> by <Person actor={retention.updated_by} /></>}>
      <p className="lead">{keptFor(retention.rules)}</p>
      {retention.applies_from && new Date(retention.applies_from).getTime() > serverNow() && <p className="notice unsure">These rules apply from <Time at={retention.applies_from} full />. Until then you can undo them, and nothing is deleted.</p>}
      {newer && <Newer by={now.updated_by} onShow={take} />}
      <form className="stack" onSubmit={submit}>
        {rules.map((rule, i) => (
          <RuleRow key={i} rule={rule} disabled={!access.admin} onChange={(next) => set(i, next)} onRemove={rule.environment === null ? undefined : () => setRules(rules.filter((_, at) => at !== i))} />
        ))}
        {access.admin ? (
          <div className="line">
            <Button variant="default" leftSection={<IconPlus size={13} aria-hidden />} onClick={() => setRules([...rules, { environment: '', metadata_days: null, text_days: null }])}>Add a rule for an environment</Button>
            <ReasonedButton type="submit" disabled={changes.length === 0} why={open}>Review the change…</ReasonedButton>
          </div>
        ) : (
          <p className="quiet small">Only admins of this project can change retention.</p>
        )}
      </form>
      {asked}
      {saving && <SaveRules rules={meant} changes={changes} revision={retention.revision} onClose={() => save(false)} />}
    </Section>
  )
}

interface RuleRowProps {
  rule: RetentionRule
  disabled: boolean
  onChange: (next: Partial<RetentionRule>) => void
  onRemove?: () => void
}

function RuleRow({ rule, disabled, onChange, onRemove }: RuleRowProps) {
  const parts = PARTS.filter(([part]) => rule.environment === null || part === 'metadata_days' || part === 'text_days')
  return (
    <fieldset className="rates" disabled={disabled}>
      <legend>{rule.environment === null ? 'The whole project' : 'One environment, instead of the project’s rule'}</legend>
      {rule.environment !== null && <LimitedInput label="Environment" most={200} required value={rule.environment} onChange={(event) => onChange({ environment: event.currentTarget.value })} />}
      {parts.map(([part, label]) => (
        <NumberBox key={part} label={`${label}, days`} placeholder="for ever" min={1} max={36_500} whole hideControls disabled={disabled} value={rule[part] ?? ''} onChange={(value) => onChange({ [part]: value === '' ? null : Number(value) })} />
      ))}
      {onRemove && !disabled && <div style={{ alignSelf: 'end' }}><button type="button" className="icon-button lined" aria-label={`Remove the rule of ${rule.environment || 'this environment'}`} onClick={onRemove}><IconX size={14} aria-hidden /> Remove</button></div>}
    </fieldset>
  )
}

/** What will change and what a first pass would take, before anybody says yes. */
function SaveRules({ rules, changes, revision, onClose }: { rules: RetentionRule[]; changes: string[]; revision: number; onClose: () => void }) {
  const preview = useQuery(ask.retentionPreview(rules))
  return (
    <ReasonDialog opened onClose={onClose} title="Change retention" action="Save retention" danger done="The new rules apply in an hour." send={(reason) => request('PUT', '/retention', { rules, reason }, undefined, revision)}>
      <ul className="bullets">{changes.map((change) => <li key={change}>{change}</li>)}</ul>
      {preview.isError ? <ProblemNote error={preview.error} /> : preview.data ? <p><strong>A pass now would delete {removedIn(preview.data)}.</strong></p> : <Skeleton lines={1} />}
      <p className="notice">An hour passes before the first pass: until then this can be taken back. What was deleted cannot be brought back, but from a backup.</p>
    </ReasonDialog>
  )
}

function RunNow() {
  const access = useAccess()
  const client = useQueryClient()
  const run = useMutation({
    mutationFn: () => post<Pass>('/retention/passes'),
    onSuccess: async () => {
      notifications.show({ message: 'A pass has started.', autoClose: 4000 })
      await client.invalidateQueries({ queryKey: ['retention/passes'] })
    },
  })
  if (!access.admin) return null
  return (
    <span className="line">
      {run.isError && <ProblemNote error={run.error} />}
      <Button variant="default" size="compact-xs" loading={run.isPending} onClick={() => run.mutate()}>Run a pass now</Button>
    </span>
  )
}

const PASSES: Column<Pass>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  { id: 'removed', head: 'Let go', className: 'main-cell', cell: (row) => <div style={{ padding: '0.2rem 0' }}>{removedIn(row.removed)}{row.error && <div className="small bad">{row.error}</div>}</div> },
  { id: 'held', head: 'Writers blocked', className: 'num hide-m', cell: (row) => (row.longest_hold_ms === null ? <span className="quiet">not at all</span> : <span title="the longest single wait">{duration(row.longest_hold_ms)}</span>) },
  { id: 'at', head: 'When', className: 'num', cell: (row) => <Time at={row.ended_at ?? row.started_at} /> },
]
