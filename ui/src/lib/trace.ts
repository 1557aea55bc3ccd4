import type { Score } from '@/api/types'
import type { Node, Tree } from './tree'

/** What stands out in a trace: second attempts, loops, and the calls that its length hangs on. */

export interface Loop {
  /** The tools of a cycle, in order. */
  label: string
  first: string[]
  spans: ReadonlySet<string>
  repeats: number
  /** Whether all calls of the trace were counted, not only those that were there when it was found. */
  counted: boolean
}

/** The loop that was found when the trace came in, out of its score `tool_loop`. */
export function loopOf(scores: Score[]): Loop | null {
  const found = scores.find((score) => score.name === 'tool_loop' && score.value === 1)
  const { first_cycle: first, spans, repeats, counted } = (found?.metadata ?? {}) as { first_cycle?: string[]; spans?: string[]; repeats?: number; counted?: boolean }
  if (!found || !Array.isArray(first) || !Array.isArray(spans)) return null
  return { label: found.label ?? 'A tool', first, spans: new Set(spans), repeats: repeats ?? 0, counted: counted === true }
}

/** Which attempt a span is, for those behind an error of the same step under the same parent. */
export function attempts(tree: Tree): Map<string, number> {
  const found = new Map<string, number>()
  for (const node of tree.byId.values()) {
    const last = new Map<string, Node>()
    for (const child of node.children) {
      const step = `${child.span.kind} ${child.span.name}`
      const before = last.get(step)
      if (before?.span.status === 'error' && endOf(before) <= child.offset) {
        found.set(child.span.span_id, (found.get(before.span.span_id) ?? 1) + 1)
      }
      last.set(step, child)
    }
  }
  return found
}

/**
 * The calls that the trace's length hangs on: from its end back, whichever call inside ended last before that moment.
 * A call that outlives its caller counts until the caller's end.
 */
export function criticalPath(tree: Tree): Set<string> {
  const path = new Set<string>()
  const root = tree.roots.reduce<Node | undefined>((last, node) => (!last || endOf(node) > endOf(last) ? node : last), undefined)
  const waiting = root ? [{ node: root, until: endOf(root) }] : []
  for (let at = waiting.pop(); at; at = waiting.pop()) {
    const { node, until } = at
    path.add(node.span.span_id)
    let reached = until
    const ended = node.children.map((child) => ({ child, end: Math.min(endOf(child), until) })).sort((a, b) => b.end - a.end)
    for (const { child, end } of ended) {
      if (end > reached || child.offset >= reached) continue
      waiting.push({ node: child, until: end })
      reached = child.offset
    }
  }
  return path
}

/** The spans that fit, in order of their start: a flat list. `words` are looked for in names and kinds. */
export function fitting(tree: Tree, words: string, only: ReadonlySet<string> | null, errors: boolean): Node[] {
  const asked = words.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = ({ span }: Node) =>
    (!only || only.has(span.span_id)) && (!errors || span.status === 'error') && asked.every((word) => `${span.kind} ${span.name} ${span.model ?? ''}`.toLowerCase().includes(word))
  return [...tree.byId.values()].filter(fits).sort((a, b) => a.offset - b.offset)
}

const endOf = (node: Node) => node.offset + node.span.latency_ms
