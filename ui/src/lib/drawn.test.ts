import { describe, expect, it } from 'vitest'
import type { SeriesAnswer } from '@/api/dashboards'
import { bandsTell, barsOf, cutNote, drawn, isWhole, type Line, parted, reachOf } from './drawn'

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

describe('bins that the range cuts', () => {
  const range = { since: '2026-11-28T06:30:00Z', until: '2026-11-28T09:10:00Z' }
  it('are the first and the last where the range begins and ends within one', () => {
    expect(['06', '07', '08', '09'].map((hour) => isWhole(`2026-11-28T${hour}:00:00Z`, 3600, range))).toEqual([false, true, true, false])
    expect(isWhole('2026-11-28T08:00:00Z', 3600, { since: '2026-11-28T08:00:00Z', until: '2026-11-28T09:00:00Z' })).toBe(true)
    const answer = { type: 'series', ...range, bin_s: 3600, starts: ['2026-11-28T08:00:00Z', '2026-11-28T09:00:00Z'], groups: 1, series: [] } as unknown as SeriesAnswer
    expect(drawn(answer, false).whole).toEqual([true, false])
  })
  it('are drawn apart, with the value that the line comes from', () => {
    expect(parted([1, 2, 3, 4, 5], [false, true, true, true, false])).toEqual({ whole: [null, 2, 3, 4, null], ends: [1, 2, null, 4, 5] })
    expect(parted([1, 2], [true, true])).toEqual({ whole: [1, 2], ends: [null, null] })
    expect(parted([7], [false])).toEqual({ whole: [null], ends: [7] })
  })
  it('are faint among bars', () => {
    expect(barsOf([1, 2, null], [true, false, true])).toEqual([1, { value: 2, itemStyle: { opacity: 0.4 } }, null])
  })
  it('are said in words', () => {
    expect(cutNote([true, true, false], 'dashed')).toBe('last bin incomplete (dashed)')
    expect(cutNote([false, true, true], 'faint', 'day')).toBe('first day incomplete (faint)')
    expect(cutNote([false, true, false], 'faint')).toBe('first and last bin incomplete (faint)')
    expect(cutNote([false], 'dashed')).toBe('bin incomplete (dashed)')
    expect(cutNote([true, true], 'dashed')).toBe('')
    expect(cutNote([], 'dashed')).toBe('')
  })
})
