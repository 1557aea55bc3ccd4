import type { Definition, Finding, Metric, Monitor, NotificationChannel, Rule } from '@/api/monitors'
import { count, duration, money, plural, score, UNKNOWN, words } from './format'
import { portion } from './money'
import { fieldOf, leavesOut, SEARCH } from './match'
import { EQUAL, isOpen, OF_ONE_SPAN, partsOf, put, quoted, together } from './q'
import { writeSearch } from './search'

/** Monitors in words. */

/** `{latency, 0.95}` → `p95 latency` */
export function metricName(metric: Metric): string {
  if (metric.name === 'judgements') return `judgements of ${words(metric.score ?? 'a score')}${metric.source ? ` by ${words(metric.source)}` : ''}`
  if (metric.name === 'score') return `mean ${words(metric.score ?? 'score')}${metric.source ? ` by ${words(metric.source)}` : ''}`
  if (metric.name === 'score_rate') return `share of ${words(metric.score ?? 'a score')}${metric.source ? ` by ${words(metric.source)}` : ''} ${metric.above === undefined ? `below ${metric.below}` : `above ${metric.above}`}`
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
  return `${portion(rule.change)} ${way} baseline`
}

/** Who is told of its incidents; of names that are not there, or turned off, what becomes of them. */
export function tells(notify: string[] | null, channels: Pick<NotificationChannel, 'name' | 'enabled'>[]): string {
  if (notify?.length === 0) return 'nobody'
  const named = channels.filter((one) => notify === null || notify.includes(one.name))
  const told = named.length > 0 ? named : channels // rather everybody than nobody, where no name is there any more
  const outcome = told.some((one) => one.enabled) ? (named.length > 0 ? null : 'everyone is notified') : 'nobody is notified'
  if (notify === null) return channels.length === 0 ? 'nobody: no address yet' : outcome === null ? 'everybody' : 'nobody: all addresses are turned off'
  const names = notify.map((name) => {
    const channel = channels.find((one) => one.name === name)
    return channel ? (channel.enabled ? name : `${name} (turned off)`) : `${name} (missing)`
  })
  return [names.join(', '), outcome].filter(Boolean).join(': ')
}

const UNITS: Record<string, string> = { error_rate: 'share', slow_rate: 'share', schema_violations: 'share', score_rate: 'share', latency: 'ms', ttft: 'ms', cost: 'USD', cost_per_request: 'USD', tokens: 'tokens', tokens_per_request: 'tokens' }

/** A group of very many signs: their first, and a hash of all. */
const SHORTENED = /… [0-9a-f]{16}$/

/** The traces a finding was computed from; null where their list cannot be narrowed to them. */
export function evidence(definition: Pick<Definition, 'filter' | 'group_by' | 'metric'>, finding: Pick<Finding, 'group' | 'window'>): string | null {
  if (definition.group_by && (!finding.group || SHORTENED.test(finding.group))) return null // of those that say none, or of a name that is noted in part
  if (definition.group_by === 'tag' && definition.filter.tag) return null // the line has one of tags that must all be there
  const filter: Record<string, string | string[]> = definition.group_by ? { ...definition.filter, [definition.group_by]: finding.group! } : definition.filter
  let q = definition.metric.name === 'error_rate' || definition.metric.name === 'errors' ? 'status:error' : ''
  const lines: string[] = []
  for (const [word, values] of Object.entries(filter)) {
    const all = [values].flat()
    if (word === SEARCH) {
      lines.push(...all)
      continue
    }
    const name = fieldOf(word).replace(/^attribute:/, 'attr.')
    if (fieldOf(word) === SEARCH) {
      const parts = all.map(partsOf)
      if (all.some(isOpen) || !parts.every((one) => one.length === 1 && one[0]!.field !== null && !one[0]!.negated)) return null
      q = [...parts.map(([one]) => `-${one!.field === 'trace' ? `trace:${one!.value}` : one!.text}`), q].filter(Boolean).join(' ')
      continue
    }
    if (all.length === 0 || !(EQUAL.some((one) => one === name) || /^attr\.[^\s:<>=!~]+$/.test(name))) return null
    if (leavesOut(word)) {
      const parts = without(name, all, definition)
      if (parts === null) return null
      q = [...parts, q].filter(Boolean).join(' ')
    } else if (name === 'status' && !isOfTrace(all, definition)) return null
    else if (all.length > 1 && name.startsWith('attr.')) return null
    else q = put(q, name, ...all)
  }
  const whole = lines.length > 1 ? null : together(q, lines[0] ?? '')
  return whole === null ? null : `/traces${writeSearch({ q: whole || undefined, since: finding.window.since, until: finding.window.until })}`
}

const OF_TRACES = new Set(['requests', 'cost_per_request', 'tokens_per_request', 'score', 'score_rate', 'judgements', 'schema_violations'])
const OF_CALLS = new Set(['cost', 'tokens', 'tokens_per_second'])

/** Whether the list, which has the status of traces, finds the same: as the server has it for panels. One that failed has a span that did, but one in which a span is `ok` may have failed; of calls another span may be the one, and a trace is in the group of its first. */
function isOfTrace(values: string[], { metric, group_by }: Pick<Definition, 'group_by' | 'metric'>): boolean {
  const ofCalls = OF_CALLS.has(metric.name) || metric.name === 'cost_per_request' || metric.name === 'tokens_per_request'
  return values.every((value) => value === 'error') && !ofCalls && (group_by !== 'status' || !OF_TRACES.has(metric.name))
}

/** What finds the traces of what is left in, as the server has it for panels: a trace that is left out as a whole is excluded, one of which some spans count has one that says another value. */
function without(name: string, values: string[], { metric, filter }: Pick<Definition, 'filter' | 'metric'>): string[] | null {
  if (OF_TRACES.has(metric.name)) return name === 'status' && values.some((value) => value !== 'error') ? null : values.map((value) => `-${name}:${quoted(value)}`)
  if (name === 'status' || name === 'error_type') return null
  if (!OF_ONE_SPAN.includes(name)) return values.map((value) => `-${name}:${quoted(value)}`)
  const ofModels = OF_CALLS.has(metric.name) || [filter.kind ?? 'any'].flat().every((kind) => ['llm', 'embedding', 'reranker'].includes(kind))
  return (name === 'model' || name === 'provider') && !ofModels ? null : values.map((value) => `${name}!=${quoted(value)}`)
}

/** The same for what a monitor's incident remembers of its finding; null where something else opened it. */
export function evidenceOf(seen: Record<string, unknown>): string | null {
  const { metric, filter, group_by, group, window } = seen as { metric?: unknown; filter?: Definition['filter']; group_by?: Definition['group_by']; group?: string | null; window?: Finding['window'] }
  if (typeof metric !== 'string' || !filter || !window?.since || !window.until || (group && !group_by)) return null
  return evidence({ filter, group_by: group_by ?? null, metric: { name: metric } }, { group: group ?? null, window })
}

/** Of a finding over several lines of the list, which has one: the traces that each of them finds. */
export function evidenceOfEach(seen: Record<string, unknown>): { line: string; href: string }[] {
  const filter = seen.filter as Definition['filter'] | undefined
  const lines = [filter?.[SEARCH] ?? []].flat()
  if (lines.length < 2) return []
  const found = lines.map((line) => ({ line, href: evidenceOf({ ...seen, filter: { ...filter, [SEARCH]: line } }) }))
  return found.every((one): one is { line: string; href: string } => one.href !== null) ? found : [] // some of them would pass for all
}

const SPANS: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']]

/** `900` → `15 minutes` */
export function spanName(seconds: number): string {
  for (const [size, name] of SPANS) if (seconds >= size && seconds % size === 0) return plural(seconds / size, name)
  return plural(seconds, 'second')
}

/** How far back each look goes; a budget has windows of its own. */
export function overName({ rule, window_s }: Pick<Monitor, 'rule' | 'window_s'>): string {
  return rule.kind === 'burn' ? '5 minutes to 3 days' : spanName(window_s)
}

export function inUnit(value: number | null, unit: Finding['unit']): string {
  if (value === null) return UNKNOWN
  if (unit === 'share') return portion(value)
  if (unit === 'ms') return duration(value)
  if (unit === 'USD') return money(value)
  if (unit === 'tokens') return `${count(Math.round(value))} tokens`
  return Number.isInteger(value) ? count(value) : score(value)
}
