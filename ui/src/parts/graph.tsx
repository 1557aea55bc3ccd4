import { type KeyboardEvent, useLayoutEffect, useMemo, useRef } from 'react'
import type { Graph, GraphEdge, GraphNode } from '@/api/tracing'
import { compact, count, duration, money, plural, titled } from '@/lib/format'
import { NODE, place } from '@/lib/layout'

export type Measure = 'own_ms' | 'calls' | 'tokens' | 'cost'

export const MEASURES: Record<Measure, { name: string; of: (node: GraphNode) => number | null }> = {
  own_ms: { name: 'own time', of: (node) => node.own_ms },
  calls: { name: 'calls', of: (node) => node.calls },
  tokens: { name: 'tokens', of: (node) => tokensOf(node) },
  cost: { name: 'cost', of: (node) => node.cost.usd },
}

export function tokensOf({ tokens }: GraphNode): number | null {
  return tokens.input_total === null && tokens.output_total === null ? null : (tokens.input_total ?? 0) + (tokens.output_total ?? 0)
}

/** Smaller than this nobody reads it: then it is scrolled. */
const LEAST_SCALE = 0.6

interface GraphViewProps {
  graph: Graph
  by: Measure
  /** In its own size, to be scrolled, rather than as wide as the page. */
  full?: boolean
  chosen?: string
  onChoose?: (id: string) => void
}

/** An agent as its steps and what came after what. The same stands in a table beside it. */
export function GraphView({ graph, by, full = false, chosen, onChoose }: GraphViewProps) {
  const placed = useMemo(() => place(graph), [graph])
  const names = useMemo(() => new Map(graph.nodes.map((node) => [node.id, node.name])), [graph])
  const whole = graph.nodes.reduce((sum, node) => sum + (MEASURES[by].of(node) ?? 0), 0)
  const scroller = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    const box = scroller.current
    if (box) box.scrollLeft = (box.scrollWidth - box.clientWidth) / 2
  }, [placed, full])
  return (
    <div className="graph" data-full={full} ref={scroller} role="group" aria-label="Graph of the calls" tabIndex={0}>
      <svg width={placed.width} height={placed.height} viewBox={`0 0 ${placed.width} ${placed.height}`} style={{ minWidth: placed.width * LEAST_SCALE }}>
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto-start-reverse"><path d="M0,0.6L7.4,4L0,7.4Z" fill="var(--ink-3)" /></marker>
        </defs>
        {placed.edges.map((one) => <Edge key={`${one.edge.from} ${one.edge.to} ${one.edge.kind}`} {...one} names={names} />)}
        {placed.nodes.map((one) => <NodeBox key={one.node.id} {...one} share={whole > 0 ? (MEASURES[by].of(one.node) ?? 0) / whole : 0} chosen={one.node.id === chosen} onChoose={onChoose} />)}
      </svg>
    </div>
  )
}

interface EdgeProps {
  edge: GraphEdge
  path: string
  x: number
  y: number
  names: Map<string, string>
}

function Edge({ edge, path, x, y, names }: EdgeProps) {
  const width = Math.min(3.2, 1 + Math.log10(edge.count))
  return (
    <g className="edge" data-kind={edge.kind}>
      <title>{`${names.get(edge.from)} ${edge.kind === 'call' ? 'called' : 'was followed by'} ${names.get(edge.to)} ${times(edge.count)}`}</title>
      <path d={path} fill="none" stroke="var(--ink-3)" strokeWidth={width} strokeDasharray={edge.kind === 'call' ? '4 4' : undefined} markerEnd="url(#arrow)" />
      {edge.count > 1 && <text x={x} y={y + 4} textAnchor="middle">{compact(edge.count)}×</text>}
    </g>
  )
}

interface NodeProps {
  node: GraphNode
  x: number
  y: number
  share: number
  chosen: boolean
  onChoose?: (id: string) => void
}

function NodeBox({ node, x, y, share, chosen, onChoose }: NodeProps) {
  const { width, height } = NODE
  const choose = () => onChoose?.(node.id)
  const press = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' && event.key !== ' ') return
    event.preventDefault()
    choose()
  }
  const tokens = tokensOf(node)
  const bad = wrong(node)
  const told = [`${compact(node.calls)}×`, duration(node.time_ms), tokens !== null && `${compact(tokens)} tok`, node.cost.usd !== null && money(node.cost.usd)].filter(Boolean).join(' · ')
  return (
    <g className="node kind" data-kind={node.kind ?? 'span'} data-chosen={chosen} transform={`translate(${x - width / 2},${y - height / 2})`}>
      <g aria-hidden>
        <rect className="box" width={width} height={height} rx="4" />
        <rect width="4" height={height} rx="2" fill="currentColor" />
        <text className="name" x="13" y="20">{cut(titled(node.name), bad ? 24 - bad.length : 26)}</text>
        <text className="told" x="13" y="36">{told}</text>
        {bad && <text className="wrong" x={width - 10} y="20" textAnchor="end">{bad}</text>}
        <rect className="track" x="13" y={height - 13} width={width - 24} height="4" rx="2" />
        <rect x="13" y={height - 13} width={(width - 24) * share} height="4" rx="2" fill="currentColor" />
      </g>
      <rect
        className="hit"
        width={width}
        height={height}
        rx="4"
        {...(onChoose ? { role: 'button', tabIndex: 0, 'aria-label': `${node.name}: show ${saidOf(node)}`, onClick: choose, onKeyDown: press } : { role: 'img', 'aria-label': `${node.name}: ${saidOf(node)}` })}
      >
        <title>{`${node.kind ?? 'several kinds'} ${node.name}\n${saidOf(node)}`}</title>
      </rect>
    </g>
  )
}

function saidOf(node: GraphNode): string {
  const parts = [plural(node.calls, 'call'), node.errors > 0 && plural(node.errors, 'error'), node.retries > 0 && plural(node.retries, 'retry', 'retries'), node.empty_results ? `${count(node.empty_results)} empty results` : false, `${duration(node.time_ms)} in all, ${duration(node.own_ms)} by itself`]
  return parts.filter(Boolean).join(', ')
}

const wrong = (node: GraphNode): string => (node.errors > 0 ? `${compact(node.errors)} failed` : node.empty_results ? `${compact(node.empty_results)} empty` : '')
const times = (n: number) => (n === 1 ? 'once' : n === 2 ? 'twice' : `${count(n)} times`)
const cut = (text: string, most: number) => (text.length <= most ? text : `${text.slice(0, most - 1)}…`)
