import { useQuery } from '@tanstack/react-query'
import { useDeferredValue, useMemo } from 'react'
import * as ask from '@/api/tracing'
import type { Outline, OutlinedTrace } from '@/api/tracing'
import { titled } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { attempts, criticalPath, fitting, type Loop } from '@/lib/trace'
import { buildTree } from '@/lib/tree'
import { SpanDetail } from './span-detail'
import { SpanTree } from './span-tree'

/** The spans with their times on the left, the chosen one on the right. What is chosen and looked for is in the address. */
export function TraceTree({ trace, loop }: { trace: OutlinedTrace; loop: Loop | null }) {
  const [address, change] = useAddress()
  const tree = useMemo(() => buildTree(trace.spans), [trace.spans])
  const graph = useQuery({ ...ask.graph(trace.trace_id), enabled: Boolean(address.node) })
  const node = graph.data?.nodes.find((one) => one.id === address.node)
  const find = useDeferredValue(address.find ?? '')
  const marks = useMemo(() => ({ attempts: attempts(tree), path: criticalPath(tree), loop }), [tree, loop])
  const listed = useMemo(() => {
    const only = node ? new Set(node.span_ids) : address.only === 'loop' && loop ? loop.spans : null
    return find || only || address.only === 'errors' ? fitting(tree, find, only, address.only === 'errors') : null
  }, [tree, node, loop, find, address.only])
  const asked = tree.byId.get(address.span?.toLowerCase() ?? '')?.span
  const missing = address.span !== undefined && asked === undefined
  const selected: Outline | undefined = asked ?? telling(trace)
  return (
    <>
      {missing && <p className="notice unsure" role="status">The link points to span <code>{address.span}</code>, which is not in this trace. It may not have arrived yet, may have been removed, or the link may be incomplete. {selected ? `Showing ${titled(selected.name)} instead.` : ''}</p>}
      <div className="trace">
        <SpanTree
          tree={tree}
          listed={listed}
          marks={marks}
          node={node ? `${node.name}` : undefined}
          selected={selected?.span_id ?? ''}
          onSelect={(span) => change({ span }, true)}
        />
        {selected && <SpanDetail key={selected.span_id} outline={selected} attempt={marks.attempts.get(selected.span_id)} scores={trace.scores} />}
      </div>
    </>
  )
}

/** What to show first: the root when it says something, otherwise the first model call. */
function telling(trace: OutlinedTrace): Outline | undefined {
  const root = trace.spans.find((span) => span.span_id === trace.root_span_id) ?? trace.spans[0]
  return trace.input || trace.output ? root : (trace.spans.find((span) => span.kind === 'llm') ?? root)
}
