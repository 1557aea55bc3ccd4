import { serverNow } from './now'

/** How figures are written, everywhere the same. Unknown is written as unknown, never as 0. */

export const UNKNOWN = 'unknown'

/** Milliseconds: `0.4 ms`, `840 ms`, `1.24 s`, `3 m 05 s`. */
export function duration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return UNKNOWN
  if (ms < 10) return `${trim(ms, 1)} ms`
  if (ms < 999.5) return `${Math.round(ms)} ms`
  if (ms < 59_995) return `${(ms / 1000).toFixed(2)} s`
  const seconds = Math.round(ms / 1000)
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${pad(seconds % 60)} s`
  return `${Math.floor(seconds / 3600)} h ${pad(Math.floor((seconds % 3600) / 60))} m`
}

/** Dollars with the digits that matter: `$12.30`, `$0.0042`, `−$0.000013`. */
export function money(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN
  if (usd === 0) return '$0'
  const size = Math.abs(usd)
  const sign = usd < 0 ? '−' : ''
  if (size >= 1) return `${sign}$${size.toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`
  const digits = Math.min(8, 1 - Math.floor(Math.log10(size)))
  return `${sign}$${size.toFixed(Math.max(2, digits))}`
}

/** Whole numbers with thin groups: `1,204`. */
export function count(n: number | null | undefined): string {
  return n === null || n === undefined ? UNKNOWN : n.toLocaleString('en-GB')
}

/** Tokens and other large counts in little room: `812`, `1.2k`, `3.4M`. */
export function compact(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN
  if (n < 1000) return String(n)
  if (n < 999_950) return `${trim(n / 1000, 1)}k`
  return n < 999_950_000 ? `${trim(n / 1_000_000, 1)}M` : `${trim(n / 1_000_000_000, 1)}B`
}

/** A score: three significant decimals at most, a real minus sign. */
export function score(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return UNKNOWN
  if (Math.abs(value) >= 1e15) return minus(value.toExponential(2).replace('e+', 'e'))
  if (Math.abs(value) >= 100) return minus(count(Math.round(value)))
  return minus(value.toFixed(Math.abs(value) >= 10 ? 1 : digits))
}

/** A difference with its sign: `+0.021`, `−0.110`. */
export function signed(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined) return UNKNOWN
  const text = score(value, digits)
  return value > 0 ? `+${text}` : text
}

/** `[0.71, 0.83]` */
export function interval(ci: [number, number] | null | undefined, withSign = false): string {
  if (!ci) return UNKNOWN
  const write = withSign ? signed : score
  return `[${write(ci[0])},\u00a0${write(ci[1])}]`
}

/** Probabilities: `0.031`, and `< 0.001` where more digits say nothing. */
export function probability(p: number | null | undefined): string {
  if (p === null || p === undefined) return UNKNOWN
  return p < 0.001 ? '< 0.001' : p.toFixed(3)
}

export const percent = (share: number) => `${trim(share, 1)} %`

const STEPS: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, 'second'],
  [3600, 'minute'],
  [86_400, 'hour'],
  [86_400 * 30, 'day'],
  [86_400 * 365, 'month'],
  [Infinity, 'year'],
]
const relative = new Intl.RelativeTimeFormat('en-GB', { numeric: 'auto', style: 'narrow' })

/** `3 min ago`, `yesterday`; the exact time belongs beside it. */
export function ago(time: string, now = serverNow()): string {
  const seconds = (new Date(time).getTime() - now) / 1000
  const size = Math.abs(seconds)
  if (size < 5) return 'now'
  let previous = 1
  for (const [limit, unit] of STEPS) {
    if (size < limit) return relative.format(unit === 'day' ? daysBetween(now, time) : Math.trunc(seconds / previous), unit)
    previous = limit
  }
  return time
}

/** Days of the reader's calendar, not lengths of 24 hours: what begins in 40 hours is seldom tomorrow. */
function daysBetween(now: number, time: string): number {
  const [from, to] = [new Date(now), new Date(time)].map((at) => Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()))
  return Math.round((to! - from!) / 86_400_000)
}

/** `21 Nov 2026, 08:14:05.123 (UTC+01:00)`, in the reader's time zone, which is said. */
export function exact(time: string): string {
  const at = new Date(time)
  if (Number.isNaN(at.getTime())) return time // of a link that somebody mistyped
  const day = at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', year: 'numeric' })
  const clock = at.toLocaleTimeString('en-GB', { hour12: false })
  return `${day}, ${clock}.${String(at.getMilliseconds()).padStart(3, '0')} ${zone(at)}`
}

/** The offset of the reader's clock: `UTC`, `UTC+01:00`. */
export function zone(at = new Date()): string {
  const minutes = -at.getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  const size = Math.abs(minutes)
  return `UTC${minutes < 0 ? '−' : '+'}${pad(Math.floor(size / 60))}:${pad(size % 60)}`
}

/** `rel_01k9…f2c4`: enough of an id to tell two apart. */
export function shortId(id: string): string {
  const [prefix, rest] = id.includes('_') ? [id.slice(0, id.indexOf('_') + 1), id.slice(id.indexOf('_') + 1)] : ['', id]
  return rest.length <= 10 ? id : `${prefix}${rest.slice(0, 4)}…${rest.slice(-4)}`
}

/** `key:key_01k9…` → `key 01k9…`; people by their name. */
export function person(actor: string | null | undefined): string {
  if (!actor) return UNKNOWN
  const [kind, ...rest] = actor.split(':')
  const name = rest.join(':')
  if (!name) return actor
  if (kind === 'user') return name
  return name.startsWith('key_') ? `key ${shortId(name).slice(4)}` : name
}

/** What a client called it; some call it nothing, and a link needs words. */
export const titled = (name: string) => (name.trim() === '' ? 'without a name' : name)

/** `canary_rollback` → `canary rollback` */
export const words = (name: string) => name.replaceAll('_', ' ')

/** `canary_rollback` → `Canary rollback` */
export function capital(name: string): string {
  const text = words(name)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

export function plural(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`
}

function trim(value: number, digits: number): string {
  return String(Number(value.toFixed(digits)))
}

function minus(text: string): string {
  return text.replace('-', '−')
}

function pad(n: number): string {
  return String(n).padStart(2, '0')
}
