import { describe, expect, it } from 'vitest'
import type { Outline } from '@/api/tracing'
import type { Score } from '@/api/types'
import { attempts, criticalPath, fitting, loopOf } from './trace'
import { buildTree } from './tree'

const span = (id: string, parent: string | null, start: number, latency: number, more: Partial<Outline> = {}) =>
  ({ span_id: id, parent_id: parent, kind: 'tool', name: id[0], model: null, status: 'ok', start_ns: String(BigInt(start) * 1_000_000n), latency_ms: latency, ...more }) as Outline

describe('criticalPath', () => {
  it('goes back from the end over what ended last, and leaves out what ran beside it', () => {
    const tree = buildTree([span('r', null, 0, 100), span('a', 'r', 0, 30), span('b', 'r', 5, 10), span('c', 'r', 30, 60), span('d', 'c', 40, 50), span('e', 'r', 35, 20)])
    expect([...criticalPath(tree)].sort()).toEqual(['a', 'c', 'd', 'r'])
  })

  it('counts a call that outlives its caller until the end of the caller', () => {
    const tree = buildTree([span('r', null, 0, 50), span('a', 'r', 10, 100)])
    expect([...criticalPath(tree)]).toEqual(['a'].concat(['r']).reverse())
  })

  it('does not run out of stack, and knows nothing of no spans', () => {
    const spans = Array.from({ length: 10_000 }, (_, i) => span(String(i), i === 0 ? null : String(i - 1), i, 20_000 - 2 * i))
    expect(criticalPath(buildTree(spans)).size).toBe(10_000)
    expect(criticalPath(buildTree([])).size).toBe(0)
  })
})

describe('attempts', () => {
  it('counts on while the same step fails under the same parent', () => {
    const failed = { status: 'error' } as const
    const tree = buildTree([span('r', null, 0, 100), span('a1', 'r', 0, 5, failed), span('a2', 'r', 5, 5, failed), span('a3', 'r', 10, 5), span('a4', 'r', 15, 5)])
    expect([...attempts(tree)]).toEqual([['a2', 2], ['a3', 3]])
  })

  it('leaves what ran side by side alone', () => {
    expect(attempts(buildTree([span('r', null, 0, 100), span('a1', 'r', 0, 9, { status: 'error' }), span('a2', 'r', 5, 9)])).size).toBe(0)
  })
})

describe('fitting', () => {
  const tree = buildTree([span('r', null, 0, 9), span('b', 'r', 2, 1, { status: 'error', model: 'gpt-x' }), span('a', 'r', 1, 1)])
  const ids = (...asked: Parameters<typeof fitting> extends [unknown, ...infer Rest] ? Rest : never) => fitting(tree, ...asked).map((node) => node.span.span_id)

  it('finds by words in any order, by node and by error', () => {
    expect(ids('', null, false)).toEqual(['r', 'a', 'b'])
    expect(ids('GPT tool', null, false)).toEqual(['b'])
    expect(ids('', new Set(['a']), false)).toEqual(['a'])
    expect(ids('', null, true)).toEqual(['b'])
  })
})

describe('loopOf', () => {
  const score = { name: 'tool_loop', value: 1, label: 'search', metadata: { first_cycle: ['a'], spans: ['a', 'b', 'c'], repeats: 3 } } as unknown as Score

  it('reads the flag, and nothing else as one', () => {
    expect(loopOf([score])).toMatchObject({ label: 'search', first: ['a'], repeats: 3, counted: false })
    expect(loopOf([{ ...score, metadata: { ...score.metadata, counted: true } }])).toMatchObject({ counted: true })
    expect(loopOf([{ ...score, metadata: undefined }])).toBeNull()
    expect(loopOf([{ ...score, name: 'other' }])).toBeNull()
  })
})
