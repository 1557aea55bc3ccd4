import type { Definition, Metric, Rule } from '@/api/monitors'
import { type Held, heldOf, matchOf, openIn, SEARCH } from './match'
import { partsOf } from './q'

/** A monitor while it is being written: every field as it is typed, shares in percent. */
export interface Draft {
  name: string
  description: string
  metric: string
  quantile: Typed
  threshold_ms: Typed
  score: string
  source: string | null
  bucket: string | null
  /** Where a judgement is bad, and on which side of it. */
  line: Typed
  side: 'below' | 'above'
  filter: Held[]
  group_by: string | null
  kind: Rule['kind']
  above: Typed
  below: Typed
  change: Typed
  direction: 'up' | 'down' | 'both'
  false_alarms: Typed
  days: Typed
  time_zone: string
  min_count: Typed
  objective: Typed
  burn_days: Typed
  window_s: string
  every_s: string | null
  min_n: Typed
  severity: 'warning' | 'critical'
  /** null: every channel. */
  notify: string[] | null
  enabled: boolean
}

/** What stands in a field of numbers; empty is an empty text. */
export type Typed = number | string

export const RATES = new Set(['error_rate', 'slow_rate', 'schema_violations', 'score_rate'])
export const QUANTILES = new Set(['latency', 'ttft', 'tokens_per_second'])

/** Metrics that need the name of a score. */
export const OF_SCORES = new Set(['score', 'score_rate', 'judgements'])

/** Metrics that count things: few are as many as they are. */
export const COUNTS = new Set(['count', 'requests', 'errors', 'users', 'sessions', 'judgements'])

/** `{name: [label, unit]}`; shares are written in percent. */
export const METRICS: Record<string, [string, string]> = {
  error_rate: ['Error rate', '%'],
  latency: ['Latency', 'ms'],
  cost: ['Cost', '$'],
  requests: ['Requests (traces)', ''],
  cost_per_request: ['Cost per request', '$'],
  slow_rate: ['Share of slow spans', '%'],
  ttft: ['Time to the first token', 'ms'],
  tokens_per_second: ['Tokens per second', ''],
  tokens: ['Tokens', ''],
  tokens_per_request: ['Tokens per request', ''],
  errors: ['Errors', ''],
  count: ['Spans', ''],
  users: ['Users', ''],
  sessions: ['Sessions', ''],
  schema_violations: ['Answers that break their schema', '%'],
  score: ['A score (mean)', ''],
  score_rate: ['A score (share of bad ones)', '%'],
  judgements: ['A score (how often)', ''],
}

export const FIELDS = ['kind', 'name', 'model', 'provider', 'service', 'environment', 'user', 'session', 'feature', 'tenant', 'cost_center', 'release', 'channel', 'arm', 'prompt', 'prompt_version', 'run', 'error_type', 'endpoint', 'status', 'tag', 'tag:<key>', 'attribute:<key>']
export const FILTERS = [...FIELDS, SEARCH]

export const EMPTY: Draft = {
  name: '', description: '', metric: 'error_rate', quantile: 95, threshold_ms: 2000, score: '', source: null, bucket: null, line: 0.5, side: 'below', filter: [], group_by: null,
  kind: 'threshold', above: 5, below: '', change: 50, direction: 'up', false_alarms: 1, days: 28, time_zone: 'UTC', min_count: 1, objective: 99, burn_days: 30,
  window_s: '900', every_s: null, min_n: 20, severity: 'warning', notify: null, enabled: true,
}

/** Begun from a line of the list of traces: told whenever such a trace comes. A window has times of its own. */
export function searching(q: string): Draft {
  const line = partsOf(q).filter((part) => part.field !== 'since' && part.field !== 'until').map((part) => part.text).join(' ')
  return { ...EMPTY, metric: 'requests', above: 0, min_n: 1, filter: line ? [{ field: SEARCH, values: [line] }] : [] }
}

/** As it is sent; null while something that must be there is missing, the value of a filter too. */
export function definitionOf(draft: Draft): Definition | null {
  const metric = metricOf(draft)
  const rule = ruleOf(draft)
  const least = numberOf(draft.min_n)
  if (!metric || !rule || least === null || openIn(draft.filter)) return null
  const filter = matchOf(draft.filter)
  return {
    name: draft.name.trim(), metric, filter, group_by: draft.group_by, rule, window_s: Number(draft.window_s),
    ...(draft.every_s ? { every_s: Number(draft.every_s) } : {}),
    min_n: least, severity: draft.severity, notify: draft.notify, enabled: draft.enabled, description: draft.description.trim(),
  }
}

/** The other way: an existing monitor to change. */
export function draftOf(monitor: Definition): Draft {
  const { metric, rule } = monitor
  const inUnit = (value: number | undefined) => (value === undefined ? '' : RATES.has(metric.name) ? rounded(value * 100) : value)
  return {
    ...EMPTY,
    name: monitor.name, description: monitor.description, metric: metric.name,
    quantile: metric.quantile === undefined ? EMPTY.quantile : rounded(metric.quantile * 100),
    threshold_ms: metric.threshold_ms ?? EMPTY.threshold_ms, score: metric.score ?? '', source: metric.source ?? null, bucket: metric.bucket ?? null,
    line: metric.below ?? metric.above ?? EMPTY.line, side: metric.above === undefined ? 'below' : 'above',
    filter: heldOf(monitor.filter),
    group_by: monitor.group_by, kind: rule.kind,
    ...(rule.kind === 'threshold' ? { above: inUnit(rule.above), below: inUnit(rule.below) } : {}),
    ...(rule.kind === 'change' ? { change: rounded(rule.change * 100), direction: rule.direction, false_alarms: rule.false_alarms_per_year ?? 1, days: rule.days ?? 28, time_zone: rule.time_zone ?? 'UTC' } : {}),
    ...(rule.kind === 'missing' ? { min_count: rule.min_count ?? 1 } : {}),
    ...(rule.kind === 'burn' ? { objective: rounded(rule.objective * 100), burn_days: rule.days ?? 30 } : {}),
    window_s: String(monitor.window_s ?? EMPTY.window_s), every_s: monitor.every_s === undefined ? null : String(monitor.every_s),
    min_n: monitor.min_n ?? 1, severity: monitor.severity, notify: monitor.notify, enabled: monitor.enabled,
  }
}

function metricOf(draft: Draft): Metric | null {
  const { metric: name } = draft
  if (QUANTILES.has(name)) {
    const quantile = numberOf(draft.quantile)
    return quantile === null ? null : { name, quantile: quantile / 100 }
  }
  if (name === 'slow_rate') {
    const threshold_ms = numberOf(draft.threshold_ms)
    return threshold_ms === null ? null : { name, threshold_ms }
  }
  if (OF_SCORES.has(name)) {
    const line = numberOf(draft.line)
    if (!draft.score.trim() || (name === 'score_rate' && line === null)) return null
    return { name, score: draft.score.trim(), ...(draft.source ? { source: draft.source } : {}), ...(name === 'score_rate' ? { [draft.side]: line! } : {}) }
  }
  if (name === 'tokens' && draft.bucket) return { name, bucket: draft.bucket }
  return { name }
}

function ruleOf(draft: Draft): Rule | null {
  const numbers = (...all: Typed[]) => all.map(numberOf)
  if (draft.kind === 'threshold') {
    const scale = RATES.has(draft.metric) ? 100 : 1
    const [above, below] = numbers(draft.above, draft.below)
    if (above === null && below === null) return null
    return { kind: 'threshold', ...(above === null ? {} : { above: above! / scale }), ...(below === null ? {} : { below: below! / scale }) }
  }
  if (draft.kind === 'change') {
    const [change, alarms, days] = numbers(draft.change, draft.false_alarms, draft.days)
    if (change === null || alarms === null || days === null) return null
    return { kind: 'change', change: change! / 100, direction: draft.direction, false_alarms_per_year: alarms!, days: days!, time_zone: draft.time_zone }
  }
  if (draft.kind === 'missing') {
    const [least] = numbers(draft.min_count)
    return least === null ? null : { kind: 'missing', min_count: least! }
  }
  const [objective, days] = numbers(draft.objective, draft.burn_days)
  if (objective === null || days === null || !RATES.has(draft.metric)) return null
  return { kind: 'burn', objective: rounded(objective! / 100), days: days! }
}

function numberOf(typed: Typed): number | null {
  return typed === '' || Number.isNaN(Number(typed)) ? null : Number(typed)
}

/** Without the dust that binary fractions leave: 0.07 × 100 is 7. */
const rounded = (value: number) => Number(value.toPrecision(12))
