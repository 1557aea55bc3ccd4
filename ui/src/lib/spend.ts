/** What was spent in each hour or day, as parts of which the dearest stand apart. */
import type { Breakdown } from '@/api/costs'

/** Groups beyond these are drawn as one. */
const DRAWN = 5

export interface Part {
  name: string
  /** All groups that do not stand apart. */
  isRest: boolean
  of: (start: string) => number | null
}

/** All parts of a bin add up to what it cost, whatever is drawn apart and whatever the answer does not name. */
export function partsOf(found: Breakdown, name: (value: string | null) => string): Part[] {
  const apart = found.items.slice(0, DRAWN)
  const rest = [...found.items.slice(DRAWN), found.others]
  const drawn = apart.filter((group) => group.cost.usd !== null).map((group) => ({ name: found.group_by ? name(group.value) : 'all calls', isRest: false, of: courseOf([group]) }))
  const more = rest.length - 1 + found.others.groups
  return more > 0 ? [...drawn, { name: `${more} more`, isRest: true, of: courseOf(rest) }] : drawn
}

function courseOf(groups: Pick<Breakdown['others'], 'bins'>[]): Part['of'] {
  const sums = new Map<string, number>()
  for (const group of groups) for (const one of group.bins ?? []) sums.set(stamp(one.start), (sums.get(stamp(one.start)) ?? 0) + (one.cost.usd ?? 0))
  return (start) => sums.get(start) ?? null
}

/** Every bin of the window, also those in which nobody called: a gap is a zero that one can see. */
export function startsOf(found: Breakdown, bin: 'hour' | 'day'): string[] {
  const step = bin === 'hour' ? 3_600_000 : 86_400_000
  const first = Math.floor(Date.parse(found.since) / step) * step
  const last = Date.parse(found.until)
  return Array.from({ length: Math.max(0, Math.ceil((last - first) / step)) }, (_, i) => stamp(first + i * step))
}

const stamp = (time: string | number) => new Date(time).toISOString()
