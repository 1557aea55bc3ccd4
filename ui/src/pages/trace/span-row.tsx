import { IconChevronRight, IconRefresh, IconRepeat } from '@tabler/icons-react'
import { compact, duration, money, plural, titled } from '@/lib/format'
import { useAddress } from '@/lib/search'
import type { Loop } from '@/lib/trace'
import type { Node } from '@/lib/tree'
import { KindIcon, SpanSign } from '@/parts/status'

export interface Marks {
  attempts: Map<string, number>
  path: ReadonlySet<string>
  loop: Loop | null
}

interface RowProps {
  node: Node
  /** In a list of what was found: without the place in the tree. */
  flat: boolean
  marks: Marks
  top: number
  length: number
  selected: boolean
  folded: boolean
  onSelect: () => void
  onFold: (shut: boolean) => void
}

/** One span: what it is, what is odd about it, and when it ran. */
export function Row({ node, flat, marks, top, length, selected, folded, onSelect, onFold }: RowProps) {
  const { span } = node
  const unfolds = !flat && node.children.length > 0
  return (
    <div
      id={`span-${span.span_id}`}
      className="span-row"
      role="treeitem"
      aria-level={flat ? 1 : node.depth + 1}
      aria-selected={selected}
      aria-expanded={unfolds ? !folded : undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onSelect}
    >
      <div className="who" style={{ paddingLeft: flat ? 0 : `calc(${Math.min(node.depth, 14)} * var(--indent))` }}>
        {unfolds ? <Twist folded={folded} below={node.below} onFold={onFold} /> : <span className="twist" />}
        <KindIcon kind={span.kind} />
        <span className="cut" style={{ fontWeight: selected ? 600 : 450 }} title={span.name}>{titled(span.name)}</span>
        <SpanSign status={span.status} />
        <Marked id={span.span_id} marks={marks} />
        {folded && <span className="quiet small">+{node.below}</span>}
        <span className="figures">{figures(node)}</span>
      </div>
      <Lane node={node} length={length} critical={marks.path.has(span.span_id)} />
    </div>
  )
}

function Twist({ folded, below, onFold }: { folded: boolean; below: number; onFold: (shut: boolean) => void }) {
  return (
    <span
      className="twist"
      data-open={!folded}
      title={folded ? `Unfold ${plural(below, 'span')}` : 'Fold'}
      onClick={(event) => {
        event.stopPropagation()
        onFold(!folded)
      }}
    >
      <IconChevronRight size={13} aria-hidden />
    </span>
  )
}

/** Second attempts, and the calls of a loop: the first cycle is marked as such. */
function Marked({ id, marks }: { id: string; marks: Marks }) {
  const attempt = marks.attempts.get(id)
  const first = marks.loop?.first.includes(id)
  return (
    <>
      {attempt !== undefined && <span className="mark" title={`Attempt ${attempt}: the one before ended with an error`}><IconRefresh size={12} aria-hidden />{ordinal(attempt)} attempt</span>}
      {marks.loop?.spans.has(id) && <span className={`mark ${first ? 'first' : ''}`} title={first ? 'Part of the first cycle of a loop' : 'Part of a loop'}><IconRepeat size={12} aria-hidden />{first ? 'first cycle' : 'loop'}</span>}
    </>
  )
}

export const ordinal = (n: number) => `${n}${['th', 'st', 'nd', 'rd'][n % 100 > 10 && n % 100 < 14 ? 0 : n % 10] ?? 'th'}`

/** Tokens and money only where there are any: a row of "unknown" would say nothing. */
function figures({ span }: Node): string {
  const parts = []
  if (span.tokens?.output_total != null) parts.push(`${compact(span.tokens.input_total)} → ${compact(span.tokens.output_total)}`)
  if (span.cost !== null) parts.push(money(span.cost))
  return parts.join(' · ')
}

function Lane({ node, length, critical }: { node: Node; length: number; critical: boolean }) {
  const [{ path }] = useAddress()
  const left = length > 0 ? (node.offset / length) * 100 : 0
  const width = length > 0 ? (node.span.latency_ms / length) * 100 : 100
  const place = left + width > 72 ? { right: `${100 - left}%` } : { left: `${left + width}%` }
  const inside = left < 14 && left + width > 72
  return (
    <div className="lane" data-critical={path === '1' ? critical : undefined}>
      <div className="kind" data-kind={node.span.kind} style={node.span.status === 'error' ? { color: 'var(--bad)' } : undefined}>
        <div className="bar" style={{ left: `${left}%`, width: `${width}%`, opacity: inside ? 0.28 : undefined }} />
      </div>
      <div className="took" style={inside ? { left: `${left}%` } : place}>{duration(node.span.latency_ms)}</div>
      {path === '1' && critical && <span className="sr">on the critical path</span>}
    </div>
  )
}
