import { expect, it } from 'vitest'
import type { Document } from '@/api/types'
import { age, changedAt } from './documents'

const document = (metadata: Record<string, unknown> | null) => ({ id: 'd', content: null, score: null, metadata }) as Document

it('reads when a document was changed, a change before a storing', () => {
  expect(changedAt(document({ indexed_at: '2026-11-01', updated: '2026-10-02' }))).toEqual({ field: 'updated', at: new Date('2026-10-02') })
  expect(changedAt(document({ timestamp: 1_790_000_000 }))?.at.getUTCFullYear()).toBe(2026)
  for (const metadata of [null, {}, { updated: 'yesterday' }, { date: null }]) expect(changedAt(document(metadata))).toBeNull()
})

it('writes an age in the unit that says most', () => {
  const to = new Date('2026-11-21T12:00:00Z')
  const written = ['2026-11-21T11:30:00Z', '2026-11-21T11:00:00Z', '2026-11-09T12:00:00Z', '2026-05-21T12:00:00Z', '2023-11-20T12:00:00Z', '2026-11-22T12:00:00Z'].map((from) => age(new Date(from), to))
  expect(written).toEqual(['under an hour', '1 hour', '12 days', '6 months', '3 years', null])
})
