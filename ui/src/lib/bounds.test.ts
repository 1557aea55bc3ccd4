import { describe, expect, it } from 'vitest'
import { refusal } from './bounds'

describe('a number out of range', () => {
  it('is told what is allowed', () => {
    expect(refusal(-5, { min: 0 })).toBe('Allowed: 0 or more.')
    expect(refusal('101', { min: 0, max: 100 })).toBe('Allowed: 0 to 100.')
    expect(refusal(2, { max: 1 })).toBe('Allowed: up to 1.')
    expect(refusal(1.5, { min: 1, max: 36_500, whole: true })).toBe('Allowed: whole numbers, 1 to 36,500.')
    expect(refusal('99999999999999999999', { min: 1, whole: true })).toBe('Allowed: whole numbers, 1 to 9,007,199,254,740,991.')
    expect(refusal(0.00005, { min: 0.0001 })).toBe('Allowed: 0.0001 or more.')
  })

  it.each([['', {}], ['-', { min: 0 }], [undefined, { min: 0 }], [0, { min: 0 }], [100, { max: 100 }], ['0.05', { min: 0, max: 1 }], [7, { whole: true }]])('%j is none', (typed, bounds) => {
    expect(refusal(typed, bounds)).toBeNull()
  })
})
