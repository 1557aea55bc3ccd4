import { Button, Select, Switch } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { IconArrowUp, IconPlus, IconX } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import { request, type Tagged } from '@/api/client'
import * as ask from '@/api/forwarding'
import type { Policy, Sampling, SamplingPreview, Tail } from '@/api/forwarding'
import { count, money, plural } from '@/lib/format'
import { heldOf } from '@/lib/match'
import { portion } from '@/lib/money'
import { asPolicy, MATCHED, type RuleDraft, TAIL, unfinished } from '@/lib/sampling'
import { bytes } from '@/lib/size'
import { ReasonDialog } from '@/parts/dialog'
import { sameTab, useDraft } from '@/parts/leaving'
import { LimitedInput } from '@/parts/limited'
import { Match } from '@/parts/match'
import { NumberField } from '@/parts/number-field'
import { Newer, useBegun } from '@/parts/overtaken'
import { Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, ProblemNote, Skeleton } from '@/parts/states'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const ACTIONS = [{ value: 'keep', label: 'keep it whole' }, { value: 'sample', label: 'keep a share' }, { value: 'drop', label: 'drop the span' }]

/** Which spans keep what was said in them: by rule at the door, and by how their trace ended. */
export default function SamplingSettings() {
  const sampling = useQuery(ask.sampling)
  return <Loaded query={sampling} lines={6}>{(found) => <Rules now={found} />}</Loaded>
}

const draftOf = ({ rules }: Sampling): RuleDraft[] => rules.map((rule) => ({ ...rule, held: heldOf(rule.match) }))

function Rules({ now }: { now: Tagged<Sampling> }) {
  const access = useAccess()
  const [rules, setRules] = useState<RuleDraft[]>(draftOf(now))
  const [tail, setTail] = useState<Tail | null>(now.tail)
  const [saving, save] = useState(false)
  const policy = asPolicy(rules, tail)
  const isSame = (saved: Sampling) => JSON.stringify(policy) === JSON.stringify(asPolicy(draftOf(saved), saved.tail))
  const start = (saved: Sampling) => {
    setRules(draftOf(saved))
    setTail(saved.tail)
  }
  const { begun: sampling, newer, take } = useBegun<Sampling>(now, { isSame, start })
  const changed = !isSame(sampling)
  const open = unfinished(rules)
  const { ask: asked } = useDraft(changed, 'these rules', (next) => sameTab(next, 'sampling'))
  const set = (index: number, next: Partial<RuleDraft>) => setRules(rules.map((rule, i) => (i === index ? { ...rule, ...next } : rule)))
  const add = () => setRules([...rules, { name: `rule-${rules.length + 1}`, held: [], action: 'sample', rate: 0.1 }])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save(true)
  }
  return (
    <div className="columns">
      <form className="stack" style={{ gap: 'var(--gap)' }} onSubmit={submit}>
        {newer && <Newer by={now.updated_by} onShow={take} />}
        <Section title="Rules" note="the first rule that matches a span decides" end={access.admin && <Button variant="default" size="compact-xs" leftSection={<IconPlus size={12} aria-hidden />} onClick={add}>Add a rule</Button>}>
          {rules.length === 0 && <p className="second prose">No rules: every span is kept as it was sent{tail ? ', except where the end of its trace decides' : ''}. A span without its content keeps its row, so counts, totals, costs and latencies stay exact.</p>}
          {rules.map((rule, i) => (
            <fieldset key={i} className="sampling-rule" disabled={!access.admin}>
              <legend>{i + 1}. {rule.name || 'a rule'}</legend>
              <div className="rates">
                <LimitedInput label="Name" most={80} required value={rule.name} onChange={(event) => set(i, { name: event.currentTarget.value })} />
                <Select label="What it does" data={ACTIONS} value={rule.action} allowDeselect={false} disabled={!access.admin} onChange={(action) => set(i, { action: action as RuleDraft['action'] })} />
                {rule.action === 'sample' && <Share value={rule.rate} onChange={(rate) => set(i, { rate })} />}
              </div>
              <Match out held={rule.held} fields={MATCHED} onChange={(held) => set(i, { held })} empty="Every span." />
              {access.admin && (
                <div className="line tight">
                  {i > 0 && <button type="button" className="icon-button lined" aria-label={`Earlier: ${rule.name}`} onClick={() => setRules([...rules.slice(0, i - 1), rule, rules[i - 1]!, ...rules.slice(i + 1)])}><IconArrowUp size={14} aria-hidden /> Earlier</button>}
                  <button type="button" className="icon-button lined" aria-label={`Remove ${rule.name}`} onClick={() => setRules(rules.filter((_, at) => at !== i))}><IconX size={14} aria-hidden /> Remove</button>
                </div>
              )}
            </fieldset>
          ))}
        </Section>
        <TailEnd tail={tail} disabled={!access.admin} onChange={setTail} waiting={now.waiting} />
        {sampling.updated_at && <p className="quiet small">Set <Time at={sampling.updated_at} /> by <Person actor={sampling.updated_by} />.</p>}
        {access.admin ? <div><ReasonedButton type="submit" disabled={!changed} why={open}>Review the change…</ReasonedButton></div> : <p className="quiet small">Only admins of this project can change sampling.</p>}
      </form>
      <Preview policy={open === null ? policy : null} why={open} />
      {asked}
      {saving && <Save policy={policy} revision={sampling.revision} onClose={() => save(false)} />}
    </div>
  )
}

function Share({ label = 'Share kept, %', value, onChange }: { label?: string; value: number | undefined; onChange: (value: number) => void }) {
  return <NumberField label={label} required withAsterisk={false} min={0} max={100} decimals={3} hideControls empty={0} value={value === undefined ? 0 : Number((value * 100).toPrecision(12))} onChange={(next) => onChange((next ?? 0) / 100)} />
}

function TailEnd({ tail, disabled, onChange, waiting }: { tail: Tail | null; disabled: boolean; onChange: (tail: Tail | null) => void; waiting: Sampling['waiting'] }) {
  const set = (next: Partial<Tail>) => tail && onChange({ ...tail, ...next })
  const optional = (label: string, value: number | null, change: (value: number | null) => void, max?: number) => <NumberField label={label} placeholder="not asked" min={0} max={max} hideControls value={value} onChange={change} />
  return (
    <Section title="By how a trace ended" note="for spans that no rule matched">
      <Switch label="Decide when a trace has ended" disabled={disabled} checked={tail !== null} onChange={(event) => onChange(event.currentTarget.checked ? TAIL : null)} />
      {tail && (
        <fieldset className="sampling-rule" disabled={disabled}>
          <legend className="sr">The end of a trace</legend>
          <div className="line" style={{ gap: '1.2rem' }}>
            <Switch label="Keep errors" checked={tail.errors} onChange={(event) => set({ errors: event.currentTarget.checked })} />
            <Switch label="Keep what is flagged (loops, failed checks, thumbs down, personal data)" checked={tail.flagged} onChange={(event) => set({ flagged: event.currentTarget.checked })} />
          </div>
          <div className="rates">
            {optional('Keep slower than, ms', tail.slower_than_ms, (slower_than_ms) => set({ slower_than_ms }))}
            {optional('Keep the slowest, from %', tail.slower_than_quantile === null ? null : Number((tail.slower_than_quantile * 100).toPrecision(12)), (value) => set({ slower_than_quantile: value === null ? null : value / 100 }), 100)}
            <Share label="Share of the rest, %" value={tail.share} onChange={(share) => set({ share })} />
            <NumberField label="Quiet for, s" min={1} max={3600} hideControls empty={1} value={tail.quiet_s} onChange={(value) => set({ quiet_s: value ?? 1 })} />
            <NumberField label="Decide at the latest after, s" min={Math.max(tail.quiet_s, 1)} max={86_400} hideControls empty={1} value={tail.patience_s} onChange={(value) => set({ patience_s: value ?? 1 })} />
          </div>
        </fieldset>
      )}
      {waiting.traces > 0 && <p className="quiet small">{plural(waiting.traces, 'trace')} with {plural(waiting.spans, 'span')} are waiting for the decision. Their content is stored and is shown once it is made.</p>}
    </Section>
  )
}

function Preview({ policy, why }: { policy: Policy | null; why: string | null }) {
  const [settled] = useDebouncedValue(policy && JSON.stringify(policy), 600)
  const preview = useQuery(ask.samplingPreview(settled ? (JSON.parse(settled) as Policy) : null))
  return (
    <Section title="What it would have done" note="with the spans of the last 24 hours; nothing is changed">
      {why && <p className="second">{why}</p>}
      {!why && (preview.isError ? <ProblemNote error={preview.error} /> : preview.data ? <Told preview={preview.data} /> : <Skeleton lines={4} />)}
    </Section>
  )
}

function Told({ preview }: { preview: SamplingPreview }) {
  if (preview.spans === 0) return <p className="second">No spans in the last 24 hours.</p>
  const of = (n: number) => `${count(n)} (${portion(n / preview.spans)})`
  return (
    <div className="stack">
      <p className="lead">Of {plural(preview.spans, 'span')}, {of(preview.kept_content)} would have kept their content{preview.bytes.saved > 0 && <>, saving {bytes(preview.bytes.saved)} of {bytes(preview.bytes.content)} of text</>}.</p>
      {preview.of !== undefined && preview.of > preview.spans && <p className="quiet small">The newest {count(preview.spans)} of {count(preview.of)} spans were examined.</p>}
      <dl className="facts list">
        <div><dt>Content kept</dt><dd>{of(preview.kept_content)}</dd></div>
        <div><dt>Row without content</dt><dd>{of(preview.sampled_out)}</dd></div>
        <div><dt>Dropped</dt><dd>{of(preview.dropped)}</dd></div>
      </dl>
      {preview.lacking && <p className="second"><strong>{plural(preview.lacking.calls, 'call')} of models</strong> would have been dropped ({preview.lacking.cost.usd === null ? 'cost unknown' : money(preview.lacking.cost.usd)}). Totals of costs and tokens would not include them, and would say how much is missing.</p>}
      {preview.by_rule.length > 0 && (
        <table className="table" aria-label="Spans by rule">
          <thead><tr><th>Decided by</th><th>Did</th><th className="num">Spans</th></tr></thead>
          <tbody>{preview.by_rule.map((row) => <tr key={`${row.rule} ${row.action}`}><td>{row.rule}</td><td>{row.action}</td><td className="num">{count(row.spans)}</td></tr>)}</tbody>
        </table>
      )}
    </div>
  )
}

function Save({ policy, revision, onClose }: { policy: Policy; revision: number; onClose: () => void }) {
  const preview = useQuery(ask.samplingPreview(policy))
  const drops = policy.rules.some((rule) => rule.action === 'drop')
  return (
    <ReasonDialog opened onClose={onClose} title="Change sampling" action="Save sampling" danger done="The rules apply from the next request on." send={(reason) => request('PUT', '/sampling', { ...policy, reason }, undefined, revision)}>
      {preview.isError ? <ProblemNote error={preview.error} /> : preview.data ? <Told preview={preview.data} /> : <Skeleton lines={3} />}
      <p className="notice">Content that is not kept cannot be recovered. Counts, totals, costs and latencies stay exact{drops ? ', except for dropped spans: only their number and the cost of model calls among them are kept' : ''}. You can change sampling back; data that arrived in between stays as it is.</p>
    </ReasonDialog>
  )
}
