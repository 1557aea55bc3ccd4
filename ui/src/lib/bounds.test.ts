import { describe, expect, it } from 'vitest'
import { begun, read, refusal, stepped } from './bounds'

describe('a number out of range', () => {
  it('is told what is allowed', () => {
    expect(refusal(-5, { min: 0 })).toBe('Allowed: 0 or more.')
    expect(refusal('101', { min: 0, max: 100 })).toBe('Allowed: 0 to 100.')
    expect(refusal(2, { max: 1 })).toBe('Allowed: up to 1.')
    expect(refusal(1.5, { min: 1, max: 36_500, whole: true })).toBe('Allowed: whole numbers, 1 to 36,500.')
    expect(refusal('99999999999999999999', { min: 1, whole: true })).toBe('Allowed: whole numbers, 1 to 9,007,199,254,740,991.')
    expect(refusal(0.00005, { min: 0.0001 })).toBe('Allowed: 0.0001 or more.')
  })

  it.each([['', {}], [undefined, { min: 0 }], [0, { min: 0 }], [100, { max: 100 }], ['0.05', { min: 0, max: 1 }], [7, { whole: true }]])('%j is none', (typed, bounds) => {
    expect(refusal(typed, bounds)).toBeNull()
  })
})

describe('a number is read as it was written', () => {
  it.each([['1e1', 10], ['1E-3', 0.001], ['2.5e3', 2500], ['-5', -5], ['+5', 5], ['.5', 0.5], ['5.', 5], [' 7 ', 7], ['0,05', 0.05], ['1,000,000', 1_000_000], ['1,000.5', 1000.5], ['007', 7]])('%j is %d', (typed, number) => {
    expect(read(typed)).toBe(number)
    expect(refusal(typed, {})).toBeNull()
  })

  it('whole numbers have commas between their thousands alone', () => {
    expect(read('1,000', { whole: true })).toBe(1000)
    expect(refusal('1,5', { whole: true })).toMatch(/^Allowed: whole numbers/)
  })

  it.each(['1x', '1e', '-', 'ten', '1 2', '1,2,3', '0x10', 'Infinity', '１'])('%j is refused in words', (typed) => {
    expect(refusal(typed, { min: 0 })).toBe(`Not a number: ${typed}. Write it like 1000, 0.05 or 1e6.`)
  })

  it('what can be read two ways is refused with both', () => {
    expect(refusal('1,000', {})).toBe('1,000 is ambiguous. Write 1000 or 1.000.')
  })

  it('more digits than are kept are refused, however they are written', () => {
    expect(refusal('0.1234', { decimals: 3 })).toBe('Allowed: 3 decimal places.')
    expect(refusal('1e-4', { decimals: 3 })).toBe('Allowed: 3 decimal places.')
    expect(refusal('0.123', { decimals: 3 })).toBeNull()
    expect(refusal('1.50e-2', { decimals: 3 })).toBeNull()
  })

  it.each(['', '-', '1', '1.', '1,', '1e', '1e-', '0.5e+', '.'])('%j is the beginning of one', (typed) => expect(begun(typed)).toBe(true))
  it.each(['x', '1x', 'e', '1ee', '--'])('%j is not', (typed) => expect(begun(typed)).toBe(false))

  it('steps stay within what is allowed, and have no dust', () => {
    expect(stepped(0.1, 0.2, {})).toBe(0.3)
    expect(stepped(20, 1, { max: 20 })).toBe(20)
    expect(stepped(null, 1, { min: 1 })).toBe(1)
    expect(stepped(Number.NaN, 1, {})).toBe(0)
  })
})
