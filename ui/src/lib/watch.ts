import type { Definition, Finding, Metric, Rule } from '@/api/monitors'
import { count, duration, money, plural, score, UNKNOWN, words } from './format'
import { portion } from './money'
import { EQUAL, put } from './q'
import { writeSearch } from './search'

/** Monitors in words. */

/** `{latency, 0.95}` → `p95 latency` */
export function metricName(metric: Metric): string {
  if (metric.name === 'score') return `mean ${words(metric.score ?? 'score')}${metric.source ? ` by ${words(metric.source)}` : ''}`
  if (metric.quantile !== undefined) return `p${Number((metric.quantile * 100).toFixed(2))} ${words(metric.name)}`
  if (metric.bucket !== undefined) return `${words(metric.bucket)} tokens`
  if (metric.name === 'slow_rate') return `share slower than ${duration(metric.threshold_ms)}`
  return words(metric.name)
}

export function ruleName(rule: Rule, metric: Metric): string {
  const limit = (value: number) => inUnit(value, UNITS[metric.name] ?? '')
  if (rule.kind === 'threshold') return [rule.above !== undefined && `above ${limit(rule.above)}`, rule.below !== undefined && `below ${limit(rule.below)}`].filter(Boolean).join(' or ')
  if (rule.kind === 'missing') return `fewer than ${count(rule.min_count ?? 1)}`
  if (rule.kind === 'burn') return `spends the error budget of ${portion(rule.objective)} too fast`
  const way = rule.direction === 'up' ? 'above' : rule.direction === 'down' ? 'below' : 'away from'
  return `${portion(rule.change)} ${way} what is usual`
}

const UNITS: Record<string, string> = { error_rate: 'share', slow_rate: 'share', schema_violations: 'share', latency: 'ms', ttft: 'ms', cost: 'USD', cost_per_request: 'USD', tokens: 'tokens', tokens_per_request: 'tokens' }

/** A group of very many signs: their first, and a hash of all. */
const SHORTENED = /… [0-9a-f]{16}$/

/** The traces a finding was computed from; null where their list cannot be narrowed to them. */
export function evidence(definition: Pick<Definition, 'filter' | 'group_by' | 'metric'>, finding: Pick<Finding, 'group' | 'window'>): string | null {
  if (definition.group_by && (!finding.group || SHORTENED.test(finding.group))) return null // of those that say none, or of a name that is noted in part
  const filter: Record<string, string | string[]> = definition.group_by ? { ...definition.filter, [definition.group_by]: finding.group! } : definition.filter
  let q = definition.metric.name === 'error_rate' || definition.metric.name === 'errors' ? 'status:error' : ''
  for (const [field, values] of Object.entries(filter)) {
    const [value, ...others] = [values].flat()
    const name = field.replace(/^attribute:/, 'attr.')
    if (value === undefined || others.length > 0 || !(EQUAL.some((one) => one === name) || /^attr\.[^\s:<>=!~]+$/.test(name))) return null
    q = put(q, name, value)
  }
  return `/traces${writeSearch({ q, since: finding.window.since, until: finding.window.until })}`
}

/** The same for what a monitor's incident remembers of its finding; null where something else opened it. */
export function evidenceOf(seen: Record<string, unknown>): string | null {
  const { metric, filter, group_by, group, window } = seen as { metric?: unknown; filter?: Definition['filter']; group_by?: Definition['group_by']; group?: string | null; window?: Finding['window'] }
  if (typeof metric !== 'string' || !filter || !window?.since || !window.until || (group && !group_by)) return null
  return evidence({ filter, group_by: group_by ?? null, metric: { name: metric } }, { group: group ?? null, window })
}

const SPANS: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']]

/** `900` → `15 minutes` */
export function spanName(seconds: number): string {
  for (const [size, name] of SPANS) if (seconds >= size && seconds % size === 0) return plural(seconds / size, name)
  return plural(seconds, 'second')
}

export function inUnit(value: number | null, unit: Finding['unit']): string {
  if (value === null) return UNKNOWN
  if (unit === 'share') return portion(value)
  if (unit === 'ms') return duration(value)
  if (unit === 'USD') return money(value)
  if (unit === 'tokens') return `${count(Math.round(value))} tokens`
  return Number.isInteger(value) ? count(value) : score(value)
}
