import { serverNow } from './now'

/** A time range as it stands in the address: `15m`, `24h`, `7d` back from now, or `since`/`until` as times. */

export const RANGES = ['15m', '1h', '24h', '7d', '30d'] as const

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

const WRITTEN = /^(\d{1,5})([mhd])$/ // more digits lead to times that no calendar has

/** Whether a link says a range that can be read. */
export const isRange = (range: string) => WRITTEN.test(range)

/** When a relative range begins, rounded down to the minute so that the same question keeps its answer. */
export function sinceOf(range: string | undefined, now = serverNow()): string | undefined {
  const match = WRITTEN.exec(range ?? '')
  if (!match) return undefined
  const begin = now - Number(match[1]) * UNITS[match[2]!]!
  return new Date(Math.floor(begin / 60_000) * 60_000).toISOString()
}

const NAMES: Record<string, string> = { m: 'minute', h: 'hour', d: 'day' }

/** `24h` → `Last 24 hours` */
export function rangeName(range: string): string {
  const match = WRITTEN.exec(range)
  if (!match) return range
  return match[1] === '1' ? `Last ${NAMES[match[2]!]}` : `Last ${match[1]} ${NAMES[match[2]!]}s`
}
