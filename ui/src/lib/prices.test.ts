import { expect, test } from 'vitest'
import type { Price } from '@/api/costs'
import { besides, priceBefore, replaced, unnamed } from './prices'

const price = (fields: Partial<Price>): Price => ({ id: 'prc', revision: 'a', model: 'm', provider: null, input: 1, output: 2, cache_read: null, cache_write: null, reasoning: null, request: null, batch: null, tiers: [], valid_from: null, created_at: '', created_by: null, ...fields })

test('the price before is that of the same model and provider which holds when the new one begins', () => {
  const always = price({ id: 'a' })
  const june = price({ id: 'b', valid_from: '2026-06-01T00:00:00.000000Z' })
  const own = [june, always, price({ id: 'c', model: 'other' }), price({ id: 'd', provider: 'p' })]
  expect(priceBefore(own, 'm', '', '')?.id).toBe('a')
  expect(priceBefore(own, 'm', '', '2026-05-31T00:00:00Z')?.id).toBe('a')
  expect(priceBefore(own, 'm', '', '2026-06-01T00:00:00Z')?.id).toBe('b')
  expect(priceBefore(own, 'm', 'p', '')?.id).toBe('d')
  expect(priceBefore(own, 'new', '', '')).toBeUndefined()
})

test('what it has and the new one does not name is told', () => {
  const before = price({ cache_read: 0.05, batch: 0.5, tiers: [{ over: 200_000, input: 2 }] })
  expect(unnamed(before, { input: 1, output: 2 })).toBe('cache read $0.05; batch × 0.5; other rates over 200,000 prompt tokens')
  expect(unnamed(before, { input: 1, output: 2, cache_read: 0, batch: 1, tiers: [] })).toBe('')
  expect(unnamed(before, { request: 1, cache_read: 0, batch: 1, tiers: [] })).toBe('input $1.00; output $2.00')
  expect(unnamed(undefined, {})).toBe('')
  expect(besides(before)).toContain('batch × 0.5')
})

test('a price takes the place of the one that begins at the same moment, however that is written', () => {
  const june = price({ revision: 'j', valid_from: '2026-06-01T00:00:00.000000Z' })
  expect(replaced(june, '2026-06-01T00:00:00Z')).toBe('j')
  expect(replaced(june, '2026-07-01T00:00:00Z')).toBe('0')
  expect(replaced(price({ revision: 'a' }), '')).toBe('a')
  expect(replaced(undefined, '')).toBe('0')
})
