import { Link } from '@tanstack/react-router'
import type { RowsAnswer } from '@/api/dashboards'
import { duration, plural } from '@/lib/format'
import { plain } from '@/lib/text'
import { type Column, Table } from '@/parts/table'

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/

/** The rows of an SQL panel. */
export function RowsTable({ found, label }: { found: RowsAnswer; label: string }) {
  const columns = found.columns.map<Column<[number, unknown[]]>>(({ name, type }, at) => ({
    id: `${at}`,
    head: <span title={type}>{name}</span>,
    className: NUMBERS.test(type) ? 'num' : 'nowrap',
    cell: ([, row]) => <Cell name={name} value={row[at]} />,
  }))
  if (found.rows.length === 0) return <p className="quiet small">No rows. The query is valid, but nothing matches it.</p>
  return (
    <>
      <div className="panel-data"><Table label={label} rows={found.rows.map((row, i): [number, unknown[]] => [i, row])} columns={columns} rowKey={([i]) => `${i}`} /></div>
      <p className="quiet small">{plural(found.rows.length, 'row')} in {duration(found.elapsed_ms)}{found.truncated && '; there are more'}</p>
    </>
  )
}

function Cell({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined) return <span className="unknown">unknown</span>
  if (typeof value === 'number') return <>{value.toLocaleString('en-GB', { maximumFractionDigits: 6 })}</>
  const text = typeof value === 'object' ? JSON.stringify(value) : plain(value)
  if (name === 'trace_id') return <Link to="/traces/$traceId" params={{ traceId: text }}><code>{text.slice(0, 12)}…</code></Link>
  return <span title={text.slice(0, 2000)}>{text.length > 100 ? `${text.slice(0, 100)}…` : text}</span>
}
