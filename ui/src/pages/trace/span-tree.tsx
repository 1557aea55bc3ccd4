import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react'
import { useKeys } from '@/lib/keys'
import { above, type Node, type Tree, visibleRows } from '@/lib/tree'
import { type Marks, Row } from './span-row'
import { TreeHead } from './span-tree-head'

const ROW = 31

interface SpanTreeProps {
  tree: Tree
  /** The spans that were looked for, as a flat list; null shows the whole tree. */
  listed: Node[] | null
  marks: Marks
  /** The node of the graph that was asked for. */
  node: string | undefined
  selected: string
  onSelect: (span: string) => void
}

/** The tree and its timeline in one list; only the rows in sight are drawn, so 10,000 spans scroll like ten. */
export function SpanTree({ tree, listed, marks, node, selected, onSelect }: SpanTreeProps) {
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set())
  const rows = useMemo(() => listed ?? visibleRows(tree, folded), [tree, listed, folded])
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 })
  const places = useMemo(() => new Map(rows.map((row, i) => [row.span.span_id, i])), [rows])
  const index = places.get(selected) ?? -1
  useEffect(() => {
    if (index >= 0) virtual.scrollToIndex(index, { align: 'auto' })
  }, [index, virtual])

  const choose = (row: Node | undefined) => row && onSelect(row.span.span_id)
  const move = (step: number) => choose(rows[Math.min(rows.length - 1, Math.max(0, index + step))])
  const fold = (id: string, shut: boolean) => {
    const next = new Set(folded)
    if (shut) next.add(id)
    else next.delete(id)
    setFolded(next)
    if (shut && above(tree, selected).includes(id)) onSelect(id) // what is chosen stays in sight
  }
  const press = (event: KeyboardEvent) => {
    const row = rows[index]
    const act = KEYS[event.key]
    if (!act || !row) return
    event.preventDefault()
    act({ row, move, fold, folded, onSelect, last: rows.length })
  }
  const nextError = () => {
    const failed = (row: Node) => row.span.status === 'error'
    const all = listed ?? visibleRows(tree, new Set()) // also in what is folded
    const at = all.findIndex((row) => row.span.span_id === selected)
    const next = all.slice(at + 1).find(failed) ?? all.find(failed)
    if (!next) return
    const shut = above(tree, next.span.span_id).filter((id) => folded.has(id))
    if (shut.length > 0) setFolded(new Set([...folded].filter((id) => !shut.includes(id))))
    choose(next)
  }
  useKeys([
    { keys: 'j', does: 'Next span', run: () => move(1) },
    { keys: 'k', does: 'Previous span', run: () => move(-1) },
    { keys: 'e', does: 'Next error in the trace', run: nextError },
  ])
  return (
    <div className="tree">
      <TreeHead spans={tree.byId.size} listed={listed?.length} length={tree.length} loop={marks.loop} node={node} />
      <div className="tree-scroll" ref={scroller} role="tree" aria-label="Spans" tabIndex={0} onKeyDown={press} aria-activedescendant={index >= 0 ? `span-${selected}` : undefined}>
        <div style={{ height: virtual.getTotalSize() }} role="presentation">
          {virtual.getVirtualItems().map((item) => {
            const one = rows[item.index]!
            return (
              <Row
                key={one.span.span_id}
                node={one}
                flat={listed !== null}
                marks={marks}
                top={item.start}
                length={tree.length}
                selected={one.span.span_id === selected}
                folded={folded.has(one.span.span_id)}
                onSelect={() => onSelect(one.span.span_id)}
                onFold={(shut) => fold(one.span.span_id, shut)}
              />
            )
          })}
        </div>
      </div>
      {listed?.length === 0 && <p className="quiet small tree-none">No spans match.</p>}
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
