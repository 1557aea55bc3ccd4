import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/tracing'
import type { Graph } from '@/api/tracing'
import { count, duration, plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { GraphView, type Measure, MEASURES } from '@/parts/graph'
import { Loaded } from '@/parts/states'
import { GraphTables } from '@/pages/steps/tables'

/** The steps of one trace and what came after what; a step leads to its spans in the tree. */
export default function TraceGraph({ id }: { id: string }) {
  const graph = useQuery(ask.graph(id))
  const [, change] = useAddress()
  const choose = (found: Graph) => (node: string) => change({ tab: undefined, node, find: undefined, only: undefined, span: found.nodes.find((one) => one.id === node)?.span_ids[0] })
  return <Loaded query={graph} lines={10}>{(found) => <Drawn graph={found} onChoose={choose(found)} />}</Loaded>
}

/** The picture with its legend and measure, and the tables that say the same. */
export function Drawn({ graph, onChoose }: { graph: Graph; onChoose?: (id: string) => void }) {
  const [address, change] = useAddress()
  const by = (Object.keys(MEASURES) as Measure[]).find((one) => one === address.by) ?? 'own_ms'
  return (
    <>
      <p className="lead">{sentence(graph)}</p>
      <div className="line">
        <SegmentedControl size="xs" aria-label="What the bars show" data={Object.entries(MEASURES).map(([value, { name }]) => ({ value, label: name }))} value={by} onChange={(next) => change({ by: next === 'own_ms' ? undefined : next }, true)} />
        <button type="button" className="filter" data-set={address.zoom === 'full'} aria-pressed={address.zoom === 'full'} onClick={() => change({ zoom: address.zoom === 'full' ? undefined : 'full' }, true)}>full size</button>
        <span className="legend">
          <span><span className="swatch" />was followed by</span>
          <span><span className="swatch dash" />started first</span>
          <span>Numbers: how often. Bars: share of all {MEASURES[by].name}.</span>
        </span>
      </div>
      <GraphView graph={graph} by={by} full={address.zoom === 'full'} onChoose={onChoose} />
      <GraphTables graph={graph} onChoose={onChoose} />
    </>
  )
}

/** The answer first: the step that takes most, what goes round, what fails. */
function sentence(graph: Graph): string {
  const whole = graph.nodes.reduce((sum, node) => sum + node.own_ms, 0)
  const slowest = graph.nodes.reduce((most, node) => (node.own_ms > most.own_ms ? node : most), graph.nodes[0]!)
  if (!slowest) return 'No call was recorded.'
  const parts = [`${slowest.name} takes the most time of its own: ${duration(slowest.own_ms)}${whole > 0 ? `, ${Math.round((slowest.own_ms / whole) * 100)} % of all` : ''}, in ${plural(slowest.calls, 'call')}.`]
  const again = graph.edges.filter((edge) => edge.from === edge.to && edge.kind === 'then' && graph.nodes.find((node) => node.id === edge.from)?.names === 1).sort((a, b) => b.count - a.count)[0]
  if (again) parts.push(`${graph.nodes.find((node) => node.id === again.from)?.name} was called again right after itself ${again.count === 1 ? 'once' : `${count(again.count)} times`}.`)
  const failed = graph.nodes.filter((node) => node.errors > 0)
  if (failed.length > 0) parts.push(`Errors in ${failed.map((node) => `${node.name} (${node.errors})`).join(', ')}.`)
  return parts.join(' ')
}
