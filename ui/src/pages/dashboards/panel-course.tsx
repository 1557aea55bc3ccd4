import { Link } from '@tanstack/react-router'
import type { CorrectedAnswer, RowsAnswer, SeriesAnswer } from '@/api/dashboards'
import { count } from '@/lib/format'
import type { Drawn, Line } from '@/lib/drawn'
import { binEdges, inUnit, tracesHref } from '@/lib/panels'

/** A chart as a table: every bin with its figures, their n, and the traces behind them. */
export function CourseTable({ drawn, answer }: { drawn: Drawn; answer: SeriesAnswer | CorrectedAnswer | RowsAnswer }) {
  const lines = drawn.lines.filter((line) => !line.dashed)
  return (
    <div className="panel-data" tabIndex={0} role="region" aria-label="Figures">
      <table className="table">
        <thead><tr><th>{drawn.starts ? 'From (UTC)' : 'Row'}</th>{lines.map((line) => <th key={line.name} className="num">{line.name}</th>)}</tr></thead>
        <tbody>
          {drawn.labels.map((label, at) => (
            <tr key={`${label} ${at}`}>
              <td className="nowrap">{label}</td>
              {lines.map((line) => <td key={line.name} className="num"><Point line={line} at={at} href={drawn.starts && answer.type !== 'rows' ? tracesHref(line.traces, ...binEdges({ ...answer, starts: drawn.starts }, at)) : null} /></td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Point({ line, at, href }: { line: Line; at: number; href: string | null }) {
  const value = line.values[at] ?? null
  const n = line.n[at]
  const written = value === null ? <span className="quiet">–</span> : inUnit(value, line.unit)
  return (
    <span className="nowrap">
      {href && value !== null && n ? <Link to={href}>{written}</Link> : written}
      {line.lower[at] !== null && line.lower[at] !== undefined && <span className="quiet small hide-s"> {inUnit(line.lower[at], line.unit)} to {inUnit(line.upper[at], line.unit)}</span>}
      {n !== null && n !== undefined && <span className="quiet small"> n {count(n)}</span>}
    </span>
  )
}
