import { Link } from '@tanstack/react-router'
import type { Figure, Panel, Series, SeriesAnswer } from '@/api/dashboards'
import { capital, count, plural } from '@/lib/format'
import { against, groupName, inUnit, seriesName, tracesHref } from '@/lib/panels'
import { type Column, Table } from '@/parts/table'

/** Single figures: each with its n, its interval, what is unknown, and the period before. */
export function Numbers({ found, grouped }: { found: SeriesAnswer; grouped: boolean }) {
  const metrics = new Set(found.series.map((one) => one.metric)).size
  return (
    <div className="line" style={{ gap: '2rem', alignItems: 'start' }}>
      {found.series.map((one) => (
        <div key={`${one.metric} ${one.group} ${one.others}`} className="big">
          {found.series.length > 1 && <span className="small second">{seriesName(one, grouped, metrics)}</span>}
          <strong>{nothing(one.total) ? <span className="quiet">no data</span> : <Leads to={tracesHref(one.traces, found.since, found.until)}>{inUnit(one.total.value, one.unit)}</Leads>}</strong>
          <span className="small quiet"><Evidence figure={one.total} unit={one.unit} before={one.before} /></span>
        </div>
      ))}
    </div>
  )
}

const nothing = (figure: Figure) => figure.value === null && figure.n === 0 && figure.unknown === 0

/** n, interval, unknown, before: what makes a figure worth reading. */
export function Evidence({ figure, unit, before }: { figure: Figure; unit: string; before: Figure | null }) {
  const moved = against(figure.value, before?.value)
  const parts = [
    `n ${count(figure.n)}`,
    figure.ci && `${inUnit(figure.ci[0], unit)} to ${inUnit(figure.ci[1], unit)}`,
    figure.unknown > 0 && `${count(figure.unknown)} unknown`,
    before && (moved ? `${moved} vs the previous period (${inUnit(before.value, unit)}, n ${count(before.n)})` : `before ${inUnit(before.value, unit)}, n ${count(before.n)}`),
  ]
  return <>{parts.filter(Boolean).join(' · ')}</>
}

interface Row {
  first: Series
  cells: (Series | undefined)[]
}

/** Groups by metrics: the largest first, the others as one. */
export function GroupTable({ found, panel }: { found: SeriesAnswer; panel: Panel }) {
  const metrics = [...new Map(found.series.map((one) => [one.metric, one])).values()]
  const grouped = Boolean(panel.group_by)
  const keyOf = (one: Series) => `${one.group ?? ''} ${one.others}`
  const rows = [...new Map(found.series.map((one) => [keyOf(one), one])).values()].map<Row>((first) => ({
    first,
    cells: metrics.map((metric) => found.series.find((one) => one.metric === metric.metric && keyOf(one) === keyOf(first))),
  }))
  const columns: Column<Row>[] = [
    {
      id: 'group',
      head: grouped ? capital(groupName(panel.group_by!)) : 'All',
      className: 'main-cell',
      cell: (row) => <div className="cut"><Leads to={tracesHref(row.first.traces, found.since, found.until)}>{grouped ? seriesName(row.first, true, 1) : 'all'}</Leads></div>,
    },
    ...metrics.map<Column<Row>>((metric, i) => ({
      id: `${metric.metric}`,
      head: capital(metric.label),
      className: `num${i > 1 ? ' hide-s' : ''}`,
      cell: (row) => <Cell one={row.cells[i]} />,
    })),
  ]
  return (
    <>
      <Table label={panel.title} rows={rows} columns={columns} rowKey={(row) => keyOf(row.first)} />
      {grouped && <p className="quiet small">{plural(found.groups, 'group')}. Hover over a figure for its n and interval.</p>}
    </>
  )
}

function Cell({ one }: { one: Series | undefined }) {
  if (!one) return <span className="quiet">–</span>
  const { total, unit } = one
  const interval = total.ci ? `, 95 % interval ${inUnit(total.ci[0], unit)} to ${inUnit(total.ci[1], unit)}` : ''
  const moved = against(total.value, one.before?.value)
  return (
    <span className="nowrap" title={`n ${count(total.n)}${interval}${total.unknown ? `, ${count(total.unknown)} unknown` : ''}`}>
      {inUnit(total.value, unit)}
      {total.unknown > 0 && total.value !== null && unit === 'USD' && <span className="unknown"> + {count(total.unknown)} unknown</span>}
      {moved && <span className="quiet small"> {moved}</span>}
    </span>
  )
}

function Leads({ to, children }: { to: string | null; children: React.ReactNode }) {
  return to ? <Link to={to} title="The traces behind this">{children}</Link> : <>{children}</>
}
