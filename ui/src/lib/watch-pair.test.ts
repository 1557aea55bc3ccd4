import { expect, it } from 'vitest'
import type { TraceRow } from '@/api/types'
import { alike, pairOf } from './watch-pair'

const window = { since: '2026-11-21T08:00:00Z', until: '2026-11-21T09:00:00Z' }
const seen = (more: Record<string, unknown>) => ({ group: null, group_by: null, filter: {}, window, ...more })
const bad = { trace_id: 'b', name: 'answer', start: '2026-11-21T08:30:00.000Z' } as TraceRow

it('finds a trace that failed, and one before it that did not', () => {
  const pair = pairOf(seen({ metric: 'error_rate', filter: { kind: ['llm'] }, value: 0.2, bound: 0.05 }))!
  expect(pair.bad).toEqual({ q: 'status:error kind:llm', ...window, limit: 1 })
  expect(pair.before(bad)).toEqual({ q: 'kind:llm', since: '2026-11-20T08:30:00.000Z', until: bad.start, limit: 50, exclude: 'status:error' })
  expect(pairOf(seen({ metric: 'errors' }))!.before(bad).q).toBeUndefined()
})

it('finds the worst beyond the line, and one within it', () => {
  const pair = pairOf(seen({ metric: 'latency', filter: { user: ['u1'] }, value: 4000, bound: 3500 }))!
  expect(pair.bad).toEqual({ q: 'user:u1', ...window, sort: 'latency:desc', min_latency_ms: 3500, limit: 1 })
  expect(pair.before(bad)).toMatchObject({ q: 'user:u1', max_latency_ms: 3500, exclude: 'status:error', until: bad.start })
  expect(pairOf(seen({ metric: 'cost_per_request', value: 2, bound: 1 }))!.bad).toMatchObject({ sort: 'cost:desc', min_cost: 1 })
})

it('offers none where the list cannot tell bad from good', () => {
  for (const more of [{ metric: 'score', value: 2, bound: 1 }, { metric: 'latency', value: 4, bound: 5 }, { metric: 'latency', value: 4, bound: null }, { metric: 'error_rate', filter: { search: ['a', 'b'] } }]) {
    expect(pairOf(seen(more))).toBeNull()
  }
  expect(pairOf({ channel: 'production' })).toBeNull()
})

it('puts only a trace of the same name beside it', () => {
  const rows = [bad, { trace_id: 'x', name: 'other' }, { trace_id: 'c', name: 'answer' }] as TraceRow[]
  expect(alike(bad, rows)?.trace_id).toBe('c')
  expect(alike(bad, rows.slice(0, 2))).toBeNull()
})
