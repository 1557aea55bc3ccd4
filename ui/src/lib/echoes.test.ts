import { describe, expect, it } from 'vitest'
import { Echoes } from './echoes'

const after = (...told: string[]) => {
  const echoes = new Echoes()
  told.forEach((text) => echoes.tell(text))
  return echoes
}

describe('what comes back to a field', () => {
  it('is no news, however late', () => {
    const echoes = after('a', 'ab', 'abc')
    expect(['a', 'ab', 'abc'].map((value) => echoes.has(value))).toEqual([true, true, true])
  })

  it('may come for several keys at once', () => {
    const echoes = after('a', 'ab')
    expect(echoes.has('ab')).toBe(true)
    expect(echoes.has('a')).toBe(false) // gone back from outside
  })

  it('is news where the field never told it, and once it has come', () => {
    const echoes = after('a')
    expect(echoes.has('x')).toBe(false)
    expect([echoes.has('a'), echoes.has('a')]).toEqual([true, false])
  })
})
