import { describe, expect, it } from 'vitest'
import type { Outline } from '@/api/tracing'
import { above, buildTree, visibleRows } from './tree'

const span = (id: string, parent: string | null, start: number, latency = 1) =>
  ({ span_id: id, parent_id: parent, start_ns: String(1_763_000_000_000_000_000n + BigInt(start) * 1_000_000n), latency_ms: latency }) as Outline
const ids = (rows: { span: Outline }[]) => rows.map((row) => row.span.span_id)

describe('buildTree', () => {
  it('orders children by start and measures from the first start to the last end', () => {
    const tree = buildTree([span('c', 'a', 7, 10), span('a', null, 0, 12), span('b', 'a', 3)])
    expect(ids(visibleRows(tree, new Set()))).toEqual(['a', 'b', 'c'])
    expect(tree.length).toBe(17)
    expect(tree.byId.get('c')).toMatchObject({ depth: 1, offset: 7 })
    expect(tree.roots[0]?.below).toBe(2)
  })

  it('makes a span whose parent never came a root', () => {
    expect(ids(buildTree([span('a', 'missing', 0)]).roots)).toEqual(['a'])
  })

  it('shows every span of a circle of parents', () => {
    const tree = buildTree([span('a', 'b', 0), span('b', 'a', 1)])
    expect(ids(visibleRows(tree, new Set())).sort()).toEqual(['a', 'b'])
  })

  it('folds what is below a span and nothing else', () => {
    const tree = buildTree([span('a', null, 0), span('b', 'a', 1), span('c', 'b', 2), span('d', 'a', 3)])
    expect(ids(visibleRows(tree, new Set(['b'])))).toEqual(['a', 'b', 'd'])
  })

  it('knows what a span lies below, in a circle too', () => {
    const tree = buildTree([span('a', null, 0), span('b', 'a', 1), span('c', 'b', 2), span('x', 'y', 3), span('y', 'x', 4)])
    expect([above(tree, 'c'), above(tree, 'a'), above(tree, 'gone')]).toEqual([['b', 'a'], [], []])
    expect([above(tree, 'x'), above(tree, 'y')]).toEqual([[], ['x']])
  })

  it('does not run out of stack on a trace 10,000 spans deep', () => {
    const spans = Array.from({ length: 10_000 }, (_, i) => span(String(i), i === 0 ? null : String(i - 1), i))
    expect(visibleRows(buildTree(spans), new Set())).toHaveLength(10_000)
  })
})
