import type { Outline } from '@/api/tracing'

export interface Node {
  span: Outline
  depth: number
  children: Node[]
  /** Milliseconds since the trace began. */
  offset: number
  /** Spans below this one. */
  below: number
}

export interface Tree {
  roots: Node[]
  byId: Map<string, Node>
  /** Milliseconds from the first start to the last end. */
  length: number
}

/** Spans as a forest, in start order. A span whose parent never came is a root; a circle of parents is cut. */
export function buildTree(spans: Outline[]): Tree {
  const begin = spans.reduce((least, span) => (BigInt(span.start_ns) < least ? BigInt(span.start_ns) : least), FAR)
  const byId = new Map<string, Node>()
  for (const span of spans) {
    const offset = Number(BigInt(span.start_ns) - begin) / 1e6
    byId.set(span.span_id, { span, depth: 0, children: [], offset, below: 0 })
  }
  const roots: Node[] = []
  for (const node of byId.values()) (parentOf(node, byId)?.children ?? roots).push(node)
  const reached = settle(roots)
  for (const node of byId.values()) {
    if (reached.has(node)) continue
    parentOf(node, byId)!.children = parentOf(node, byId)!.children.filter((child) => child !== node)
    roots.push(node)
    for (const found of settle([node])) reached.add(found)
  }
  roots.sort((a, b) => a.offset - b.offset)
  const length = spans.reduce((most, span) => {
    const node = byId.get(span.span_id)
    return Math.max(most, (node?.offset ?? 0) + span.latency_ms)
  }, 0)
  return { roots, byId, length }
}

/** The rows to show: depth first, without what is below a folded span. */
export function visibleRows(tree: Tree, folded: ReadonlySet<string>): Node[] {
  const rows: Node[] = []
  const stack = [...tree.roots].reverse()
  for (let node = stack.pop(); node; node = stack.pop()) {
    rows.push(node)
    if (folded.has(node.span.span_id)) continue
    for (let i = node.children.length - 1; i >= 0; i--) stack.push(node.children[i]!)
  }
  return rows
}

/** The spans that a span lies below, the nearest first. */
export function above(tree: Tree, id: string): string[] {
  const found: string[] = []
  for (let node = tree.byId.get(id); node?.depth; ) {
    const parent = parentOf(node, tree.byId)
    if (!parent || parent.depth !== node.depth - 1) break // where a circle of parents was cut
    found.push(parent.span.span_id)
    node = parent
  }
  return found
}

const FAR = 1n << 100n

function parentOf(node: Node, byId: Map<string, Node>): Node | undefined {
  return node.span.parent_id === null ? undefined : byId.get(node.span.parent_id)
}

/** Depths and counts below `roots`, without recursion: a trace may be thousands of spans deep. */
function settle(roots: Node[]): Set<Node> {
  const reached = new Set<Node>()
  const stack = [...roots]
  for (let node = stack.pop(); node; node = stack.pop()) {
    reached.add(node)
    node.children.sort((a, b) => a.offset - b.offset)
    for (const child of node.children) {
      child.depth = node.depth + 1
      stack.push(child)
    }
  }
  for (const node of [...reached].reverse()) node.below = node.children.reduce((sum, child) => sum + 1 + child.below, 0)
  return reached
}
