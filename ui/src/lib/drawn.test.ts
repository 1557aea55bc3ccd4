import { describe, expect, it } from 'vitest'
import { type Line, reachOf } from './drawn'

const line = (values: (number | null)[]): Line => ({ name: 'a', unit: 'USD', values, n: [], lower: [], upper: [], dashed: false, change: null, traces: null })

describe('the reach of an axis', () => {
  it('is a few times the largest value, however wide the intervals of small n are', () => {
    expect(reachOf([line([0.01, null, 0.006]), line([0.012])])).toBeCloseTo(0.05)
    expect(reachOf([line([-30, 10])])).toBe(100)
  })
  it('has no end where all is 0: the interval is then all that there is to see', () => {
    expect(reachOf([line([0, null])])).toBe(Infinity)
    expect(reachOf([])).toBe(Infinity)
  })
})
