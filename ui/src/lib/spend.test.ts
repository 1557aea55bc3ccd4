import { describe, expect, it } from 'vitest'
import type { Breakdown } from '@/api/costs'
import { partsOf, startsOf } from './spend'

const NO_TOKENS = {} as Breakdown['total']['tokens']
const amount = (usd: number | null) => ({ calls: 1, cost: { usd, unknown: usd === null ? 1 : 0 }, tokens: NO_TOKENS })
const DAY = '2026-11-21T00:00:00Z'

function breakdown(groups: (number | null)[], others: number, hidden: number): Breakdown {
  const bins = (usd: number | null) => [{ start: DAY, ...amount(usd) }]
  return {
    since: '2026-11-20T12:00:00Z', until: '2026-11-22T00:00:00Z', group_by: 'user', total: amount(null),
    items: groups.map((usd, i) => ({ value: `u${i}`, share: null, ...amount(usd), bins: bins(usd) })),
    others: { groups: hidden, ...amount(others), bins: hidden ? bins(others) : [] },
    overlapping: false, unmetered: 0, removed_before: null, dropped: null,
  }
}

describe('partsOf', () => {
  it('has in each bin all that it cost, also of groups that the answer does not name', () => {
    const parts = partsOf(breakdown([7, 6, 5, 4, 3, 2, 1], 10, 20), (value) => value!)
    expect(parts.map((part) => part.name)).toEqual(['u0', 'u1', 'u2', 'u3', 'u4', '22 more'])
    expect(parts.map((part) => part.of('2026-11-21T00:00:00.000Z')).reduce<number>((sum, usd) => sum + usd!, 0)).toBe(38)
  })

  it('names no rest where there is none, and draws nothing of which no price is known', () => {
    expect(partsOf(breakdown([2, null], 0, 0), (value) => value!).map((part) => part.name)).toEqual(['u0'])
  })
})

describe('startsOf', () => {
  it('begins with the day in which the window begins', () => {
    expect(startsOf(breakdown([], 0, 0), 'day')).toEqual(['2026-11-20T00:00:00.000Z', '2026-11-21T00:00:00.000Z'])
  })
})
