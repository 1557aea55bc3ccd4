import { describe, expect, it } from 'vitest'
import { against, change, portion } from './money'

describe('differences in dollars', () => {
  it('always carry their sign, and unknown is said', () => {
    expect([31, -0.42, 0, null].map(change)).toEqual(['+$31.00', '−$0.42', '$0', 'unknown'])
  })
})

describe('shares', () => {
  it('show a digit more where they are small', () => {
    expect([0.624, 0.004, 0.0002, 0, -0.12, -0.0001, 25.53, null].map(portion)).toEqual(['62 %', '0.4 %', '< 0.1 %', '0 %', '−12 %', '0 %', '2,553 %', 'unknown'])
  })
})

describe('a period against the one before', () => {
  it('is said in words, and not at all where one is unknown or nothing', () => {
    expect(against(112, 100)).toBe('12 % more than')
    expect(against(97, 100)).toBe('3 % less than')
    expect(against(100, 100)).toBe('the same as')
    expect([against(null, 100), against(1, null), against(1, 0)]).toEqual([null, null, null])
  })
})
