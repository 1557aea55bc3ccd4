import { describe, expect, it } from 'vitest'
import { ago, compact, duration, exact, interval, money, person, probability, score, shortId, signed, titled } from './format'

it('leaves a time that is none as it was written', () => {
  expect(exact('yesterday')).toBe('yesterday')
})

describe('unknown stays unknown', () => {
  it.each([duration, money, compact, score, signed, probability])('%o writes null as unknown', (write) => {
    expect(write(null)).toBe('unknown')
  })
  it('zero is not unknown', () => {
    expect(money(0)).toBe('$0')
    expect(duration(0)).toBe('0 ms')
  })
})

it('rounds into the next unit, and never writes a whole one of it in the smaller', () => {
  expect([999.4, 999.6, 59_994, 59_996].map(duration)).toEqual(['999 ms', '1.00 s', '59.99 s', '1 m 00 s'])
  expect([999, 999_940, 999_950, 999_949_999, 999_960_000].map(compact)).toEqual(['999', '999.9k', '1M', '999.9M', '1B'])
})

it('writes durations in the unit one reads', () => {
  expect([0.42, 840.4, 1240, 185_000, 7_260_000].map(duration)).toEqual(['0.4 ms', '840 ms', '1.24 s', '3 m 05 s', '2 h 01 m'])
})

it('keeps the digits of small amounts that matter', () => {
  expect([12.3, 1234.5, 0.42, 0.0042, 0.000013].map(money)).toEqual(['$12.30', '$1,234.50', '$0.42', '$0.0042', '$0.000013'])
})

it('writes a real minus and a sign on differences', () => {
  expect(signed(-0.11)).toBe('−0.110')
  expect(interval([-0.02, 0.1], true)).toBe('[−0.020,\u00a0+0.100]')
  expect(interval(null)).toBe('unknown')
})

it('says how long ago in one unit', () => {
  const now = Date.parse('2026-11-21T08:00:00Z')
  expect(ago('2026-11-21T07:57:00Z', now)).toMatch(/^3\s?min/)
  expect(ago('2026-11-21T05:00:00Z', now)).toMatch(/^3\s?h/)
  expect(ago('2026-11-16T08:00:00Z', now)).toMatch(/^5\s?d/)
})

it('says tomorrow of tomorrow alone', () => {
  const now = new Date(2026, 10, 21, 16).getTime() // by the reader's own clock
  const at = (day: number, hour: number) => ago(new Date(2026, 10, day, hour).toISOString(), now)
  expect([at(22, 18), at(23, 10), at(20, 10), at(19, 23)]).toEqual(['tomorrow', expect.stringMatching(/^in 2\s?d/), 'yesterday', expect.stringMatching(/^2\s?d/)])
})

it('shortens ids and names people', () => {
  expect(shortId('rel_01k9zq3v7e8m4t2x6c5b1n0d9f')).toBe('rel_01k9…0d9f')
  expect(person('user:mara')).toBe('mara')
  expect(person('key:key_01k9zq3v7e8m4t2x6c5b1n0d9f')).toBe('key 01k9…0d9f')
  expect(person('canary')).toBe('canary')
})

it('keeps numbers beyond all scales short', () => {
  expect(score(1e308)).toBe('1.00e308')
  expect(score(-2.5e20)).toBe('−2.50e20')
  expect(compact(15_300_000_000)).toBe('15.3B')
})

it('has words for what has no name', () => {
  expect([titled(''), titled('  \n'), titled('plan')]).toEqual(['without a name', 'without a name', 'plan'])
})
