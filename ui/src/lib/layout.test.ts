import { describe, expect, it } from 'vitest'
import type { Graph } from '@/api/tracing'
import { curve, NODE, place } from './layout'

const graph = (ids: string[], edges: [string, string, 'call' | 'then'][]) =>
  ({ nodes: ids.map((id) => ({ id })), edges: edges.map(([from, to, kind]) => ({ from, to, kind, count: 1 })) }) as unknown as Graph

describe('place', () => {
  it('puts what comes after below, what runs beside it beside it, and every edge somewhere', () => {
    const found = place(graph(['a', 'b', 'c', 'd'], [['a', 'b', 'call'], ['a', 'c', 'call'], ['b', 'd', 'then'], ['c', 'd', 'then'], ['d', 'd', 'then'], ['d', 'a', 'then']]))
    const at = Object.fromEntries(found.nodes.map(({ node, x, y }) => [node.id, { x, y }]))
    expect(at.a!.y).toBeLessThan(at.b!.y)
    expect(at.b!.y).toBe(at.c!.y)
    expect(Math.abs(at.b!.x - at.c!.x)).toBeGreaterThanOrEqual(NODE.width)
    expect(at.d!.y).toBeGreaterThan(at.b!.y)
    expect(found.edges.every(({ path }) => /^M[\d.,-]+/.test(path))).toBe(true)
    expect(found.edges).toHaveLength(6)
  })

  it('keeps the edge of a step that comes after itself beside it and inside the picture', () => {
    const found = place(graph(['a', 'b', 'c'], [['a', 'b', 'call'], ['a', 'c', 'call'], ['c', 'c', 'then'], ['b', 'b', 'then']]))
    for (const { edge, path, x } of found.edges.filter(({ edge }) => edge.from === edge.to)) {
      const node = found.nodes.find(({ node }) => node.id === edge.from)!
      const across = [...path.matchAll(/(-?[\d.]+),/g)].map((match) => Number(match[1]))
      expect(Math.max(...across, x)).toBeLessThanOrEqual(found.width)
      expect(Math.min(...across)).toBe(node.x + NODE.width / 2)
    }
  })

  it('draws two kinds of edge between the same nodes as two', () => {
    const [one, other] = place(graph(['a', 'b'], [['a', 'b', 'call'], ['a', 'b', 'then']])).edges
    expect(one!.path).not.toBe(other!.path)
  })

  it('draws nothing of nothing', () => {
    expect(place(graph([], [])).nodes).toEqual([])
    expect(curve([])).toBe('')
  })
})
