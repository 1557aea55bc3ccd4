import { serverNow } from './now'

/** A time range as it stands in the address: `15m`, `24h`, `7d` back from now, or `since`/`until` as times. */

export const RANGES = ['15m', '1h', '24h', '7d', '30d'] as const

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

const WRITTEN = /^(\d{1,5})([mhd])$/ // more digits lead to times that no calendar has

/** As people write it by hand: `7d`, `1w`, `now-24h`. */
const SHORT = /^(?:now)?\s*-?\s*(\d{1,4})\s*([mhdw])$/

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

/** A range as the pages know it; none where it cannot be read. */
function rangeOf(text: string): string | undefined {
  if (WRITTEN.test(text)) return text
  const match = SHORT.exec(text)
  return match ? (match[2] === 'w' ? `${Number(match[1]) * 7}d` : `${match[1]}${match[2]}`) : undefined
}

const OFFSET = /(?:Z|[+-]\d\d:?\d\d)$/i

/** A time as the server reads it, for which one without an offset is UTC. A plus sign that nobody escaped is a space in a link. */
function timeOf(text: string): string | undefined {
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return undefined
  const whole = text.replace(/ (\d\d:?\d\d)$/, (found, offset: string) => (/\d\d:\d\d.* /.test(text) ? `+${offset}` : found))
  const moment = whole.length > 10 && !OFFSET.test(whole) ? `${whole}Z` : whole
  return Number.isNaN(Date.parse(moment)) ? undefined : moment
}

interface Times {
  range?: string
  since?: string
  until?: string
}

/** The times of an address as the pages know them, and those that cannot be read: they are left out, and told. */
export function readTimes({ range, since, until }: Times, now = serverNow()): { times: Times; unread: [keyof Times, string][] } {
  const unread: [keyof Times, string][] = []
  const told = <T>(name: keyof Times, text: string, meant: T | undefined) => {
    if (meant === undefined) unread.push([name, text])
    return meant
  }
  const end = !until || until === 'now' ? undefined : told('until', until, timeOf(until) ?? sinceOf(rangeOf(until), now))
  const begin = since ? told('since', since, timeOf(since) ?? rangeOf(since)) : undefined
  const back = range ? told('range', range, rangeOf(range)) : undefined
  if (begin === undefined) return { times: { range: back, since: undefined, until: end }, unread }
  if (!WRITTEN.test(begin)) return { times: { range: undefined, since: begin, until: end }, unread }
  return { times: end === undefined ? { range: begin, since: undefined, until: end } : { range: undefined, since: sinceOf(begin, now), until: end }, unread }
}
