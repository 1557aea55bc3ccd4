import type { Scope, Series, SeriesAnswer, TraceWords } from '@/api/dashboards'
import { count, duration, money, score, UNKNOWN } from './format'
import { portion } from './money'
import { sinceOf } from './range'
import type { Search } from './search'

/** Panels in words, addresses and figures. */

/** A value in the unit of its metric. */
export function inUnit(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined) return UNKNOWN
  if (unit === 'ms') return duration(value)
  if (unit === 'USD') return money(value)
  if (unit === 'share') return portion(value)
  if (unit === 'tokens/s') return `${score(value, 1)}/s`
  return Number.isInteger(value) ? count(value) : score(value)
}

/** What the address looks at: `since` and `until`, or a range back from the last full minute. */
export function scopeOf(address: Search, range: string, variables: string[], now = Date.now()): Scope {
  const until = address.until ?? new Date(Math.floor(now / 60_000) * 60_000 + 60_000).toISOString()
  const since = address.since ?? sinceOf(address.range ?? range, now) ?? sinceOf('24h', now)!
  const filter = Object.fromEntries(variables.flatMap((name) => (address[name] ? [[name, address[name]!]] : [])))
  return { since, until, filter }
}

/** The page of traces behind a number; null where it has no words for it. */
export function tracesHref(words: TraceWords, since: string, until: string): string | null {
  if (words === null) return null
  const search = new URLSearchParams({ since, until })
  for (const [name, value] of Object.entries(words)) for (const one of Array.isArray(value) ? value : [value]) search.append(name, one)
  return `/traces?${search}`
}

/** How a series is called beside others of its panel. */
export function seriesName(series: Pick<Series, 'group' | 'others' | 'label'>, grouped: boolean, metrics: number): string {
  const group = series.others > 0 ? `${count(series.others)} more` : (series.group ?? 'not said')
  if (!grouped) return series.label
  return metrics > 1 ? `${group}, ${series.label}` : group
}

/** `tag:feature` → `feature`, `error_type` → `error type` */
export const groupName = (group: string) => group.replace(/^(tag|attribute):/, '').replaceAll('_', ' ')

/** The bins' own edges, cut to the range. */
export function binEdges(answer: Pick<SeriesAnswer, 'since' | 'until' | 'starts' | 'bin_s'>, at: number): [string, string] {
  const start = Date.parse(answer.starts[at]!)
  const end = start + (answer.bin_s ?? 0) * 1000
  const cut = (time: number) => new Date(Math.min(Math.max(time, Date.parse(answer.since)), Date.parse(answer.until))).toISOString()
  return [cut(start), cut(end)]
}

const SPANS: [number, string][] = [[604_800, 'week'], [86_400, 'day'], [3600, 'h'], [60, 'min'], [1, 's']]

/** `900` → `15 min` */
export function binName(seconds: number | null): string {
  const [size, unit] = SPANS.find(([each]) => (seconds ?? 0) >= each && (seconds ?? 0) % each === 0) ?? [1, 's']
  return `${(seconds ?? 0) / size} ${unit}`
}

/** A moment on a time axis, UTC. */
export function tick(time: string, binS: number): string {
  const at = new Date(time)
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
  if (binS >= 86_400) return day
  const clock = at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC', ...(binS < 60 ? { second: '2-digit' } : {}) })
  return binS >= 1800 || clock.startsWith('00:00') ? `${day} ${clock}` : clock
}

/** `+12 %` against the period before; null where either is unknown or nothing was there. */
export function against(now: number | null, before: number | null | undefined): string | null {
  if (now === null || before === null || before === undefined || before === 0) return null
  const change = now / before - 1
  return `${change >= 0 ? '+' : '−'}${portion(Math.abs(change))}`
}
