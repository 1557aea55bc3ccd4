import { describe, expect, it } from 'vitest'
import { bandsTell, type Line, reachOf } from './drawn'

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

describe('bands of intervals', () => {
  const between = (low: number, high: number, value = 0.05, dashed = false): Line => ({ ...line([value, value]), lower: [low, null], upper: [high, null], dashed })
  it('are drawn of one line however wide, of two where they can be told apart', () => {
    expect(bandsTell([between(0, 0.9)])).toBe(true)
    expect(bandsTell([between(0, 0.9), between(0, 0.9, 0.05, true)])).toBe(true)
    expect(bandsTell([between(0.04, 0.06), between(0.04, 0.07)])).toBe(true)
    expect(bandsTell([between(0, 0.4), between(0, 0.3)])).toBe(false)
    const once = { ...line([1, 0, 0, 0]), lower: [0.1, 0, 0, 0], upper: [1, 0.5, 0.5, 0.5] } // all of a single call
    expect(bandsTell([once, between(0, 0.5, 0)])).toBe(false)
    expect(bandsTell([between(0.04, 0.06), between(0.04, 0.06), between(0.04, 0.06)])).toBe(false)
  })
  it('are not there where nobody knows an interval', () => {
    expect(bandsTell([line([1, 2])])).toBe(false)
    expect(bandsTell([line([1, 2]), line([1, 2])])).toBe(false)
  })
})
