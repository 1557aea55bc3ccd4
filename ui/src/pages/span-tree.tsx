import { useVirtualizer } from '@tanstack/react-virtual'
import { IconChevronRight } from '@tabler/icons-react'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { compact, duration, money, plural } from '@/lib/format'
import { useKeys } from '@/lib/keys'
import { type Node, type Tree, visibleRows } from '@/lib/tree'
import { KindIcon, SpanSign } from '@/parts/status'

const ROW = 31
const TICKS = [0, 0.25, 0.5, 0.75, 1]

interface SpanTreeProps {
  tree: Tree
  selected: string
  onSelect: (span: string) => void
}

/** The tree and its timeline in one list; only the rows in sight are drawn, so 10,000 spans scroll like ten. */
export function SpanTree({ tree, selected, onSelect }: SpanTreeProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const rows = useMemo(() => visibleRows(tree, folded), [tree, folded])
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 })
  const index = rows.findIndex((row) => row.span.span_id === selected)
  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }, [index, virtual])

  const move = (step: number) => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, index + step))]
    if (next) onSelect(next.span.span_id)
  }
  const fold = (id: string, shut: boolean) => {
    const next = new Set(folded)
    if (shut) next.add(id)
    else next.delete(id)
    setFolded(next)
  }
  const press = (event: KeyboardEvent) => {
    const row = rows[index]
    const act = KEYS[event.key]
    if (!act || !row) return
    event.preventDefault()
    act({ row, move, fold, folded, onSelect, last: rows.length })
  }
  useKeys([
    { keys: 'j', does: 'Next span', run: () => move(1) },
    { keys: 'k', does: 'Previous span', run: () => move(-1) },
  ])
  return (
    <div className="tree">
      <div className="tree-head">
        <span>{plural(tree.byId.size, 'span')}</span>
        <div className="ticks" aria-hidden>
          {TICKS.filter((tick) => tick !== 0.25 && tick !== 0.75).map((tick) => <span key={tick} style={{ left: `${tick * 100}%` }}>{duration(tree.length * tick)}</span>)}
        </div>
      </div>
      <div className="tree-scroll" ref={scroller} role="tree" aria-label="Spans" tabIndex={0} onKeyDown={press} aria-activedescendant={`span-${selected}`}>
        <div style={{ height: virtual.getTotalSize() }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const node = rows[item.index]!
            return (
              <Row
                key={node.span.span_id}
                node={node}
                top={item.start}
                length={tree.length}
                selected={node.span.span_id === selected}
                folded={folded.has(node.span.span_id)}
                onSelect={() => onSelect(node.span.span_id)}
                onFold={(shut) => fold(node.span.span_id, shut)}
              />
            )
          })}
        </div>
      </div>
    </div>
  )
}

interface Press {
  row: Node
  move: (step: number) => void
  fold: (id: string, shut: boolean) => void
  folded: ReadonlySet<string>
  onSelect: (span: string) => void
  last: number
}

/** The keys of a tree, as the ARIA practices describe them. */
const KEYS: Record<string, (press: Press) => void> = {
  ArrowDown: ({ move }) => move(1),
  ArrowUp: ({ move }) => move(-1),
  Home: ({ move, last }) => move(-last),
  End: ({ move, last }) => move(last),
  ArrowRight: ({ row, move, fold, folded }) => {
    if (row.children.length === 0) return
    if (folded.has(row.span.span_id)) fold(row.span.span_id, false)
    else move(1)
  },
  ArrowLeft: ({ row, fold, folded, onSelect }) => {
    if (row.children.length > 0 && !folded.has(row.span.span_id)) fold(row.span.span_id, true)
    else if (row.span.parent_id) onSelect(row.span.parent_id)
  },
}

interface RowProps {
  node: Node
  top: number
  length: number
  selected: boolean
  folded: boolean
  onSelect: () => void
  onFold: (shut: boolean) => void
}

function Row({ node, top, length, selected, folded, onSelect, onFold }: RowProps) {
  const { span } = node
  return (
    <div
      id={`span-${span.span_id}`}
      className="span-row"
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={selected}
      aria-expanded={node.children.length > 0 ? !folded : undefined}
      style={{ transform: `translateY(${top}px)` }}
      onClick={onSelect}
    >
      <div className="who" style={{ paddingLeft: `${Math.min(node.depth, 14) * 0.85}rem` }}>
        {node.children.length > 0 ? (
          <span
            className="twist"
            data-open={!folded}
            title={folded ? `Unfold ${plural(node.below, 'span')}` : 'Fold'}
            onClick={(event) => {
              event.stopPropagation()
              onFold(!folded)
            }}
          >
            <IconChevronRight size={13} aria-hidden />
          </span>
        ) : (
          <span className="twist" />
        )}
        <KindIcon kind={span.kind} />
        <span className="cut" style={{ fontWeight: selected ? 600 : 450 }} title={span.name}>{span.name}</span>
        <SpanSign status={span.status} />
        {folded && <span className="quiet small">+{node.below}</span>}
        <span className="figures">{figures(node)}</span>
      </div>
      <Lane node={node} length={length} />
    </div>
  )
}

/** Tokens and money only where there are any: a row of "unknown" would say nothing. */
function figures({ span }: Node): string {
  const parts = []
  if (span.tokens?.output_total != null) parts.push(`${compact(span.tokens.input_total)} → ${compact(span.tokens.output_total)}`)
  if (span.cost !== null) parts.push(money(span.cost))
  return parts.join(' · ')
}

function Lane({ node, length }: { node: Node; length: number }) {
  const left = length > 0 ? (node.offset / length) * 100 : 0
  const width = length > 0 ? (node.span.latency_ms / length) * 100 : 100
  const place = left + width > 72 ? { right: `${100 - left}%` } : { left: `${left + width}%` }
  const inside = left < 14 && left + width > 72
  return (
    <div className="lane">
      <div className="kind" data-kind={node.span.kind} style={node.span.status === 'error' ? { color: 'var(--bad)' } : undefined}>
        <div className="bar" style={{ left: `${left}%`, width: `${width}%`, opacity: inside ? 0.28 : undefined }} />
      </div>
      <div className="took" style={inside ? { left: `${left}%` } : place}>{duration(node.span.latency_ms)}</div>
    </div>
  )
}
