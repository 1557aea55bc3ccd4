import type { Scope, Series, SeriesAnswer, TraceWords } from '@/api/dashboards'
import { compact, count, duration, money, score, titled, UNKNOWN, words } from './format'
import { SEARCH } from './match'
import { portion } from './money'
import { serverNow } from './now'
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

/** A value beside an axis, in as few signs as it needs: `7 s`, `50M`, `$20`. */
export function onAxis(value: number, unit: string): string {
  if (value === 0 && unit !== 'share' && unit !== 'USD') return '0'
  const size = Math.abs(value)
  if (unit === 'ms' && size < 60_000) return size < 1000 ? `${Number(value.toFixed(1))} ms` : `${Number((value / 1000).toFixed(2))} s`
  if (unit === 'USD' && Number.isInteger(value)) return value < 0 ? `−$${count(size)}` : `$${count(size)}`
  if (unit === 'tokens/s') return `${compact(value)}/s`
  if (unit === 'ms' || unit === 'USD' || unit === 'share') return inUnit(value, unit)
  return size >= 1000 ? compact(value) : String(Number(value.toFixed(3)))
}

/** Why a panel shows more, or less, than its neighbours: what the reader set and it does not follow. */
export function unusedSaid(unused: string[]): string | null {
  const names = unused.filter((name) => name !== 'compare' && name !== SEARCH)
  const sentences = []
  if (unused.includes(SEARCH)) sentences.push('The search does not apply to SQL panels.')
  if (names.length) sentences.push(`Not filtered by ${names.map(words).join(', ')}: its SQL does not use ${names.map((name) => `{${name}}`).join(', ')}.`)
  if (unused.includes('compare')) sentences.push('No comparison with the previous period.')
  return sentences.length ? sentences.join(' ') : null
}

const STEPS = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800, 604_800, 1_209_600, 2_592_000]
const MOST_TICKS = 8

/** What stands below a time axis: round hours and days alone, null where a bin is named nowhere. */
export function ticks(starts: string[], binS: number): (string | null)[] {
  const times = starts.map((start) => Date.parse(start) / 1000)
  const span = (times.at(-1) ?? 0) - (times[0] ?? 0)
  const step = STEPS.find((each) => each >= binS && span / each <= MOST_TICKS) ?? STEPS.at(-1)!
  const named = times.map((time, i) => (time % step === 0 ? (time % 86_400 === 0 ? tick(starts[i]!, 86_400) : tick(starts[i]!, 900)) : null))
  return named.some((one) => one !== null) ? named : starts.map((start) => tick(start, binS))
}

/** What the address looks at: `since` and `until`, or a range back from the last full minute; the variables, and a line of the list of traces. */
export function scopeOf(address: Search, range: string, variables: string[], now = serverNow()): Scope {
  const until = address.until ?? new Date(Math.floor(now / 60_000) * 60_000 + 60_000).toISOString()
  const since = address.since ?? sinceOf(address.range ?? range, now) ?? sinceOf('24h', now)!
  const filter = Object.fromEntries([...variables, SEARCH].flatMap((name) => (address[name] ? [[name, address[name]!]] : [])))
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
  const group = series.others > 0 ? `${count(series.others)} more` : (series.group === null ? 'not said' : titled(series.group))
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
  if (Math.abs(change) < 0.0005) return '0 %'
  return `${change >= 0 ? '+' : '−'}${portion(Math.abs(change))}`
}
