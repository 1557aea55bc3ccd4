import { Link } from '@tanstack/react-router'
import type { Graph, GraphNode } from '@/api/tracing'
import { count, plural, titled } from '@/lib/format'
import { tokensOf } from '@/parts/graph'
import { Section } from '@/parts/page'
import { KindIcon } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Fold } from '@/parts/text'
import { Duration, Money, Unknown } from '@/parts/values'

/** The graph in words and figures: its steps, dearest in time first, and its edges. */
export function GraphTables({ graph, onChoose }: { graph: Graph; onChoose?: (id: string) => void }) {
  const rows = [...graph.nodes].sort((a, b) => b.own_ms - a.own_ms)
  const names = new Map(graph.nodes.map((node) => [node.id, node.name]))
  return (
    <Section title="Steps" note="most own time first">
      <Table label="Steps of the graph" rows={rows} columns={columns(onChoose)} rowKey={(node) => node.id} />
      <Fold title={<>Order of steps <span className="quiet small">{plural(graph.edges.length, 'edge')}</span></>}>
        <div className="table-wrap">
          <table className="table" aria-label="Edges of the graph">
            <thead><tr><th>From</th><th>How</th><th>To</th><th className="num">Times</th></tr></thead>
            <tbody>
              {graph.edges.map((edge) => (
                <tr key={`${edge.from} ${edge.to} ${edge.kind}`}><td>{names.get(edge.from)}</td><td className="second">{edge.kind === 'call' ? 'called' : 'was followed by'}</td><td>{names.get(edge.to)}</td><td className="num">{count(edge.count)}</td></tr>
              ))}
            </tbody>
          </table>
        </div>
      </Fold>
    </Section>
  )
}

const columns = (onChoose?: (id: string) => void): Column<GraphNode>[] => [
  {
    id: 'name',
    head: 'Step',
    className: 'main-cell',
    cell: (node) => (
      <span className="line tight" style={{ flexWrap: 'nowrap' }}>
        {node.kind && <KindIcon kind={node.kind} />}
        {onChoose ? <Link className="cut" to="." search={(old: object) => ({ ...old, tab: undefined, node: node.id, span: node.span_ids[0] }) as never}>{titled(node.name)}</Link> : <span className="cut">{titled(node.name)}</span>}
        {node.names > 1 && <span className="quiet small">{count(node.names)} kinds</span>}
      </span>
    ),
  },
  { id: 'calls', head: 'Calls', className: 'num', cell: (node) => count(node.calls) },
  { id: 'errors', head: 'Errors', className: 'num', cell: (node) => (node.errors > 0 ? <span className="bad">{count(node.errors)}{node.retries > 0 && <span className="under">{plural(node.retries, 'retry', 'retries')}</span>}</span> : <span className="quiet">0</span>) },
  { id: 'empty', head: 'Empty', className: 'num hide-s', cell: (node) => (node.empty_results === null ? <span className="quiet">–</span> : count(node.empty_results)) },
  { id: 'own', head: 'Own time', className: 'num', cell: (node) => <Duration ms={node.own_ms} /> },
  { id: 'time', head: 'In all', className: 'num hide-s', cell: (node) => <Duration ms={node.time_ms} /> },
  { id: 'tokens', head: 'Tokens', className: 'num hide-s', cell: (node) => { const n = tokensOf(node); return n === null ? <span className="quiet">–</span> : count(n) } },
  { id: 'cost', head: 'Cost', className: 'num hide-s', cell: (node) => (node.cost.usd === null && node.cost.unknown === 0 ? <span className="quiet">–</span> : node.cost.usd === null ? <Unknown why={`No price is known for ${plural(node.cost.unknown, 'call')}.`} /> : <Money usd={node.cost.usd} unknown={node.cost.unknown} />) },
]
