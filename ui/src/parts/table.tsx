import { Checkbox } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef, useState } from 'react'
import { useKeys } from '@/lib/keys'
import { ordered, type Order } from '@/lib/order'

export interface Column<T> {
  id: string
  head: ReactNode
  cell: (row: T) => ReactNode
  className?: string
  /** The field that its head sorts by. */
  sort?: string
}

interface TableProps<T> {
  label: string
  rows: T[]
  columns: Column<T>[]
  rowKey: (row: T) => string
  /** Where a row leads; the whole row is then clickable, and its first link is what the keyboard reaches. */
  href?: (row: T) => string
  order?: Order
  /** Where heads sort, what one of them asks for; undefined: as the list comes. */
  onOrder?: (order: Order | undefined) => void
  chosen?: ReadonlySet<string>
  onChoose?: (key: string) => void
  /** Fills the page and draws only the rows in sight. */
  fill?: boolean
  rowHeight?: number
  onEnd?: () => void
  footer?: ReactNode
}

/** A table with keys: j and k move, Enter opens, x selects. Long ones draw only what is in sight. */
export function Table<T>(props: TableProps<T>) {
  const { rows, columns, rowKey, href, chosen, onChoose, fill, rowHeight = 35, onEnd } = props
  const scroller = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const [active, setActive] = useState(-1)
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
    enabled: Boolean(fill),
  })
  const shown = virtual.getVirtualItems()
  const last = shown.at(-1)?.index ?? -1
  useEffect(() => {
    if (last >= rows.length - 15 && rows.length > 0) onEnd?.()
  }, [last, rows.length, onEnd])

  const move = (to: number) => {
    if (!rows[to]) return
    setActive(to)
    if (fill) virtual.scrollToIndex(to)
    requestAnimationFrame(() => focusRow(scroller.current, to))
  }
  useKeys([
    { keys: 'j', does: 'Next row', run: () => move(Math.min(rows.length - 1, active + 1)) },
    { keys: 'k', does: 'Previous row', run: () => move(Math.max(0, active - 1)) },
    ...(onChoose ? [{ keys: 'x', does: 'Select the row', run: () => rows[active] && onChoose(rowKey(rows[active])) }] : []),
  ])

  const sort = (order: Order | undefined) => {
    scroller.current?.scrollTo({ top: 0 })
    props.onOrder?.(order)
  }
  const indices = fill ? shown.map((item) => item.index) : rows.map((_, i) => i)
  const before = fill ? (shown[0]?.start ?? 0) : 0
  const after = fill ? virtual.getTotalSize() - (shown.at(-1)?.end ?? 0) : 0
  const width = columns.length + (onChoose ? 1 : 0)
  return (
    <div className={`table-wrap ${fill ? 'fill' : ''}`} ref={scroller} tabIndex={fill ? 0 : undefined} role={fill ? 'region' : undefined} aria-label={fill ? props.label : undefined}>
      <table className="table" aria-label={props.label} aria-rowcount={fill ? rows.length : undefined}>
        <thead>
          <tr>
            {onChoose && <th style={{ width: '1.5rem' }}><span className="sr">Selected</span></th>}
            {columns.map((column) => (
              <th key={column.id} className={column.className} aria-sort={column.sort && props.onOrder ? saidOf(column.sort, props.order) : undefined}>
                {column.sort && props.onOrder ? <Sorter by={column.sort} order={props.order} onOrder={sort}>{column.head}</Sorter> : column.head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 && <Spacer height={before} width={width} />}
          {indices.map((index) => {
            const row = rows[index]
            if (row === undefined) return null
            const key = rowKey(row)
            const to = href?.(row)
            return (
              <tr
                key={key}
                data-index={index}
                data-chosen={chosen?.has(key)}
                className={to ? 'open' : ''}
                onFocus={() => setActive(index)}
                onClick={(event) => to && !insideControl(event.target) && !window.getSelection()?.toString() && void navigate({ href: to })}
              >
                {onChoose && (
                  <td>
                    <Checkbox size="xs" checked={chosen?.has(key) ?? false} onChange={() => onChoose(key)} aria-label={`Select row ${index + 1}`} />
                  </td>
                )}
                {columns.map((column) => <td key={column.id} className={column.className}>{column.cell(row)}</td>)}
              </tr>
            )
          })}
          {after > 0 && <Spacer height={after} width={width} />}
        </tbody>
      </table>
      {props.footer}
    </div>
  )
}

const saidOf = (by: string, order: Order | undefined) => (order?.by !== by ? 'none' : order.descending ? 'descending' : 'ascending')

/** A head that sorts: the largest first, the smallest first, then as the list comes. */
function Sorter({ by, order, onOrder, children }: { by: string; order: Order | undefined; onOrder: (order: Order | undefined) => void; children: ReactNode }) {
  const own = order?.by === by
  const Arrow = own && !order.descending ? IconArrowUp : IconArrowDown
  return (
    <button type="button" className="sorter" data-own={own} onClick={() => onOrder(ordered(by, order))}>
      {children}
      <Arrow size={12} stroke={2} aria-hidden />
    </button>
  )
}

function Spacer({ height, width }: { height: number; width: number }) {
  return (
    <tr className="pad" aria-hidden="true">
      <td className="pad" colSpan={width} style={{ height }} />
    </tr>
  )
}

function focusRow(scroller: HTMLElement | null, index: number): void {
  const row = scroller?.querySelector(`tr[data-index="${index}"]`)
  const opens = row?.querySelector<HTMLElement>('a') // before the box that selects the row, on which Enter does nothing
  ;(opens ?? row?.querySelector<HTMLElement>('button, input'))?.focus({ preventScroll: false })
  row?.scrollIntoView({ block: 'nearest' })
}

function insideControl(target: EventTarget): boolean {
  return target instanceof Element && target.closest('a, button, input, label') !== null
}
