import { Link } from '@tanstack/react-router'
import type { Cluster, ParameterAnswer, QuestionsAnswer } from '@/api/dashboards'
import { capital, count, interval, plural, score, words } from '@/lib/format'
import { portion } from '@/lib/money'
import { scoreScale } from '@/lib/scale'
import { Whisker } from '@/parts/interval'
import { Said } from '@/parts/said'
import { type Column, Table } from '@/parts/table'

/** What people ask most: groups of questions that mean, or say, the same. */
export function Questions({ found }: { found: QuestionsAnswer }) {
  if (found.clusters.length === 0) {
    return <p className="quiet small">No question was asked more than once among {count(found.read)} that were read{found.n > found.sampled ? ` of ${count(found.n)} traces` : ''}.</p>
  }
  return (
    <>
      <Table label="The most common questions" rows={found.clusters} columns={CLUSTERS} rowKey={(row) => row.examples[0]?.trace_id ?? row.label} />
      <p className="quiet small">
        {found.sampled < found.n ? `A sample of ${count(found.sampled)} of ${count(found.n)} traces` : plural(found.n, 'trace')}, {count(found.read)} with a question; {count(found.others)} are not similar to any other. Grouped by {found.method}.{found.coming && ' Grouping by meaning…'}
      </p>
    </>
  )
}

const CLUSTERS: Column<Cluster>[] = [
  {
    id: 'label',
    head: 'Question',
    className: 'main-cell',
    cell: (row) => {
      const first = row.examples[0]
      return (
        <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
          <div className="cut">{first ? <Link to="/traces/$traceId" params={{ traceId: first.trace_id }}>{row.label}</Link> : row.label}</div>
          <div className="cut small second">{row.words.join(', ')}</div>
        </div>
      )
    },
  },
  { id: 'share', head: 'Share', className: 'num', cell: (row) => <span title={`95 % interval ${portion(row.ci[0])} to ${portion(row.ci[1])}`}>{portion(row.share)}</span> },
  { id: 'n', head: 'n', className: 'num', cell: (row) => count(row.n) },
  { id: 'users', head: 'Users', className: 'num hide-s', cell: (row) => count(row.users) },
]

/** A parameter's values with the mean score of each. */
export function ParameterView({ found }: { found: ParameterAnswer }) {
  if (found.rows.length === 0) return <p className="quiet small">{found.sentence} n 0.</p>
  const scale = scoreScale(found.rows.flatMap((row) => [row.mean, ...(row.ci ?? [])]))
  const columns: Column<ParameterAnswer['rows'][number]>[] = [
    { id: 'value', head: capital(found.parameter), className: 'num', cell: (row) => row.value },
    { id: 'mean', head: capital(found.score), className: 'main-cell', cell: (row) => <Whisker value={row.mean} ci={row.ci} scale={scale} /> },
    { id: 'figures', head: 'Mean', className: 'num', cell: (row) => <span className="nowrap">{score(row.mean)} <span className="quiet small hide-s">{row.ci ? interval(row.ci) : 'no interval'}</span></span> },
    { id: 'n', head: 'n', className: 'num', cell: (row) => count(row.n) },
  ]
  return (
    <>
      <p className="small second"><Said text={found.sentence} /></p>
      <Table label={`${words(found.score)} by ${words(found.parameter)}`} rows={found.rows} columns={columns} rowKey={(row) => row.value} />
    </>
  )
}
