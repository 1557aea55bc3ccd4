import { expect, it } from 'vitest'
import { tooLong } from './length'

it('says how long a text may be once it is longer', () => {
  expect(tooLong('a'.repeat(200), 200)).toBeNull()
  expect(tooLong('a'.repeat(201), 200)).toBe('Allowed: up to 200 characters. These are 201.')
  expect(tooLong('a'.repeat(2345), 2000)).toBe('Allowed: up to 2,000 characters. These are 2,345.')
})

it('counts as the server does: signs and not their halves, and without the space around', () => {
  expect(tooLong('🦜'.repeat(200), 200)).toBeNull()
  expect(tooLong(` ${'a'.repeat(200)} `, 200)).toBeNull()
})
