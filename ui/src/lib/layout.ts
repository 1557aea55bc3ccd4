import { Graph as Plan, layout } from '@dagrejs/dagre'
import type { Graph, GraphEdge, GraphNode } from '@/api/tracing'

/** Where the nodes and edges of a graph stand, in pixels; loaded with the first graph that is drawn. */

export const NODE = { width: 208, height: 62 }
/** How far the edge of a step that comes after itself stands out, at its right. */
const LOOP = 34

export interface Placed {
  width: number
  height: number
  nodes: { node: GraphNode; x: number; y: number }[]
  edges: { edge: GraphEdge; path: string; x: number; y: number }[]
}

export function place(graph: Graph): Placed {
  const plan = new Plan({ multigraph: true })
  plan.setGraph({ rankdir: 'TB', nodesep: LOOP + 8, ranksep: 34, edgesep: 18, marginx: 12, marginy: 12 })
  for (const node of graph.nodes) plan.setNode(node.id, { ...NODE })
  for (const edge of graph.edges) if (edge.from !== edge.to) plan.setEdge(edge.from, edge.to, { width: 28, height: 16, labelpos: 'c', weight: edge.kind === 'then' ? 2 : 1 }, edge.kind)
  layout(plan)
  const size = plan.graph() as { width?: number; height?: number }
  const nodes = graph.nodes.map((node) => ({ node, ...(plan.node(node.id) as Point) }))
  const edges = graph.edges.map((edge) => {
    if (edge.from === edge.to) return { edge, ...loop(plan.node(edge.from) as Point) }
    const found = plan.edge({ v: edge.from, w: edge.to, name: edge.kind }) as { points: Point[] } & Point
    return { edge, path: curve(found.points), x: found.x, y: found.y }
  })
  const right = Math.max(0, ...edges.filter(({ edge }) => edge.from === edge.to).map(({ x }) => x + LOOP))
  return { width: Math.max(size.width ?? 0, right), height: size.height ?? 0, nodes, edges }
}

/** From a node's right side back into it; the planner would lead it past its neighbours and out of the picture. */
function loop({ x, y }: Point) {
  const side = round(x + NODE.width / 2)
  return { path: `M${side},${round(y - 9)}C${side + LOOP},${round(y - 24)} ${side + LOOP},${round(y + 24)} ${side},${round(y + 9)}`, x: side + LOOP * 0.72, y }
}

interface Point {
  x: number
  y: number
}

/** A smooth line through the points: quadratic curves between the middles of its pieces. */
export function curve(points: Point[]): string {
  const [first, ...rest] = points
  if (!first) return ''
  let path = `M${round(first.x)},${round(first.y)}`
  rest.forEach((point, i) => {
    const next = rest[i + 1]
    path += next ? `Q${round(point.x)},${round(point.y)} ${round((point.x + next.x) / 2)},${round((point.y + next.y) / 2)}` : `L${round(point.x)},${round(point.y)}`
  })
  return path
}

const round = (n: number) => Math.round(n * 10) / 10
