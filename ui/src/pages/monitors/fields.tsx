import { Autocomplete, MultiSelect, SegmentedControl, Select, Switch } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/monitors'
import { values } from '@/api/search'
import type { Bounds } from '@/lib/bounds'
import { words } from '@/lib/format'
import { COUNTS, type Draft, FIELDS, FILTERS, METRICS, OF_SCORES, QUANTILES, RATES, type Typed } from '@/lib/watch-form'
import { zones } from '@/lib/zones'
import { FieldSelect } from '@/parts/field-select'
import { LimitedTextarea } from '@/parts/limited'
import { Match } from '@/parts/match'
import { NumberBox } from '@/parts/number-field'
import { Section } from '@/parts/page'

interface FieldsProps {
  draft: Draft
  change: (next: Partial<Draft>) => void
}

const WINDOWS = [['300', '5 minutes'], ['900', '15 minutes'], ['3600', '1 hour'], ['21600', '6 hours'], ['86400', '1 day'], ['604800', '7 days']].map(([value, label]) => ({ value: value!, label: label! }))
const STEPS = [['60', 'minute'], ['300', '5 minutes'], ['900', '15 minutes'], ['3600', 'hour'], ['86400', 'day']].map(([value, label]) => ({ value: value!, label: label! }))
const RULES = [{ value: 'threshold', label: 'Threshold' }, { value: 'change', label: 'Change' }, { value: 'missing', label: 'Missing data' }, { value: 'burn', label: 'Error budget' }]
const SOURCES = [{ value: 'end_user', label: 'end users' }, { value: 'human', label: 'people' }, { value: 'judge', label: 'judge models' }, { value: 'code', label: 'checks' }]
const SIDES = [{ value: 'below', label: 'below the line' }, { value: 'above', label: 'above the line' }]
const BUCKETS = ['fresh_input', 'cache_read', 'cache_write', 'output', 'reasoning'].map((value) => ({ value, label: words(value) }))
const WAYS = [{ value: 'up', label: 'upwards' }, { value: 'down', label: 'downwards' }, { value: 'both', label: 'either way' }]

/** A choice that may already hold a value which is not among the usual ones. */
function withOwn(all: { value: string; label: string }[], own: string | null) {
  return own === null || all.some((one) => one.value === own) ? all : [...all, { value: own, label: `${own} seconds` }]
}

export function Measure({ draft, change }: FieldsProps) {
  const scores = useQuery({ ...values('score'), enabled: OF_SCORES.has(draft.metric) })
  const metric = (name: string) => change({ metric: name, ...(draft.kind === 'burn' && !RATES.has(name) ? { kind: 'threshold' } : {}), above: '', below: '' })
  return (
    <Section title="Metric">
      <div className="rates">
        <Select label="Metric" data={Object.entries(METRICS).map(([value, [label]]) => ({ value, label }))} value={draft.metric} allowDeselect={false} searchable onChange={(value) => value && metric(value)} />
        {QUANTILES.has(draft.metric) && <Amount label="Quantile" unit="%" min={0} max={100} value={draft.quantile} onChange={(quantile) => change({ quantile })} />}
        {draft.metric === 'slow_rate' && <Amount label="Slower than" unit="ms" value={draft.threshold_ms} onChange={(threshold_ms) => change({ threshold_ms })} />}
        {OF_SCORES.has(draft.metric) && <Autocomplete label="Score" required data={scores.data?.items.map((one) => one.value) ?? []} value={draft.score} onChange={(score) => change({ score })} />}
        {OF_SCORES.has(draft.metric) && <Select label="Judged by" placeholder="anybody" clearable data={SOURCES} value={draft.source} onChange={(source) => change({ source })} />}
        {draft.metric === 'score_rate' && <Select label="Bad are those" data={SIDES} value={draft.side} allowDeselect={false} onChange={(side) => change({ side: side as Draft['side'] })} />}
        {draft.metric === 'score_rate' && <Amount label="The line" min={undefined} value={draft.line} onChange={(line) => change({ line })} />}
        {draft.metric === 'tokens' && <Select label="Which" placeholder="all" clearable data={BUCKETS} value={draft.bucket} onChange={(bucket) => change({ bucket })} />}
        <Select label="Over" data={withOwn(WINDOWS, draft.window_s)} value={draft.window_s} allowDeselect={false} onChange={(value) => value && change({ window_s: value })} />
        <Select label="Checked every" placeholder="by the window" clearable data={withOwn(STEPS, draft.every_s)} value={draft.every_s} onChange={(every_s) => change({ every_s })} />
        <Amount label="At least n" min={0} max={1e9} whole value={draft.min_n} onChange={(min_n) => change({ min_n })} />
      </div>
      <p className="quiet small">{COUNTS.has(draft.metric) ? 'With fewer than n in the window the monitor does not alert.' : 'With fewer than n in the window the monitor neither alerts nor resolves.'}</p>
    </Section>
  )
}

/** Which traffic: any field, any values of it; and whether each value of one field is watched by itself. */
export function Whose({ draft, change }: FieldsProps) {
  return (
    <Section title="Filter" note="all must match; any of several values">
      <Match out held={draft.filter} fields={FILTERS} onChange={(filter) => change({ filter })} empty="All traffic except evaluation runs." />
      <FieldSelect label="For each" description="One state and one incident per value, for the 200 largest." placeholder="no grouping, or tag:…, attribute:…" clearable known={FIELDS} value={draft.group_by} onChange={(group_by) => change({ group_by })} maw="20rem" />
    </Section>
  )
}

export function Limits({ draft, change }: FieldsProps) {
  const unit = METRICS[draft.metric]?.[1] ?? ''
  const limits = draft.metric === 'score' ? { min: undefined } : RATES.has(draft.metric) ? { min: 0, max: 100 } : { min: 0 } // a score may be below zero
  const rules = RULES.map((rule) => ({ ...rule, disabled: rule.value === 'burn' && !RATES.has(draft.metric) }))
  return (
    <Section title="Alert when it">
      <div style={{ overflowX: 'auto' }}><SegmentedControl size="xs" aria-label="Rule" data={rules} value={draft.kind} onChange={(kind) => change({ kind: kind as Draft['kind'] })} /></div>
      <div className="rates">
        {draft.kind === 'threshold' && <Amount label="Is above" unit={unit} {...limits} value={draft.above} onChange={(above) => change({ above })} optional />}
        {draft.kind === 'threshold' && <Amount label="Or below" unit={unit} {...limits} value={draft.below} onChange={(below) => change({ below })} optional />}
        {draft.kind === 'change' && (
          <>
            <Amount label="By more than" unit="%" max={10_000} value={draft.change} onChange={(value) => change({ change: value })} />
            <Select label="Which way" data={WAYS} value={draft.direction} allowDeselect={false} onChange={(value) => change({ direction: value as Draft['direction'] })} />
            <Amount label="False alarms a year" min={0.001} max={1000} value={draft.false_alarms} onChange={(false_alarms) => change({ false_alarms })} />
            <Amount label="Learned from" unit="days" min={7} max={90} whole value={draft.days} onChange={(days) => change({ days })} />
            <Select label="Time zone of the baseline" data={zones(draft.time_zone)} value={draft.time_zone} searchable allowDeselect={false} onChange={(zone) => zone && change({ time_zone: zone })} />
          </>
        )}
        {draft.kind === 'missing' && <Amount label="Fewer spans than" min={1} max={1e9} whole value={draft.min_count} onChange={(min_count) => change({ min_count })} />}
        {draft.kind === 'burn' && (
          <>
            <Amount label="Should be good" unit="%" max={99.9999} value={draft.objective} onChange={(objective) => change({ objective })} />
            <Amount label="Of all within" unit="days" min={1} max={90} whole value={draft.burn_days} onChange={(burn_days) => change({ burn_days })} />
          </>
        )}
      </div>
      <p className="quiet small">{ABOUT[draft.kind]}</p>
    </Section>
  )
}

const ABOUT: Record<Draft['kind'], string> = {
  threshold: 'A fixed threshold. Set one or both.',
  change: 'Compared with the same hour on earlier days, and on the same weekday once there are two weeks of data. The change must exceed both this amount and what chance alone explains.',
  missing: 'Data has stopped arriving. Projects without traffic in the previous week are ignored.',
  burn: 'Three pairs of windows, from an hour to three days, check how fast the error budget is being spent. The window above is not used.',
}

export function Telling({ draft, change }: FieldsProps) {
  const channels = useQuery(ask.channels)
  const names = channels.data?.items.map((channel) => channel.name) ?? []
  const known = [...new Set([...names, ...(draft.notify ?? [])])]
  return (
    <Section title="Notifications">
      <div className="rates">
        <Select label="Severity" data={['warning', 'critical']} value={draft.severity} allowDeselect={false} onChange={(value) => change({ severity: value as Draft['severity'] })} />
        <Select label="Notify" data={[{ value: 'all', label: 'every address' }, { value: 'some', label: 'only these' }]} value={draft.notify === null ? 'all' : 'some'} allowDeselect={false} onChange={(value) => change({ notify: value === 'all' ? null : [] })} />
      </div>
      {draft.notify !== null && <MultiSelect label="Addresses" placeholder={draft.notify.length ? '' : 'nobody'} data={known} value={draft.notify} onChange={(notify) => change({ notify })} />}
      {names.length === 0 && channels.data && <p className="quiet small">No address yet: incidents open, but nobody is notified.</p>}
      <LimitedTextarea label="Description" most={2000} description="Shown in the incident and its message: why this matters and what to do." autosize minRows={2} value={draft.description} onChange={(event) => change({ description: event.currentTarget.value })} />
      <Switch label="Turned on" checked={draft.enabled} onChange={(event) => change({ enabled: event.currentTarget.checked })} />
    </Section>
  )
}

interface AmountProps extends Bounds {
  label: string
  unit?: string
  value: Typed
  onChange: (value: Typed) => void
  optional?: boolean
}

function Amount({ label, unit, value, onChange, optional, ...bounds }: AmountProps) {
  return <NumberBox label={unit ? `${label}, ${unit}` : label} required={!optional} withAsterisk={false} min={0} {...bounds} hideControls value={value} onChange={onChange} />
}
