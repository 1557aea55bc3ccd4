import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/monitors'
import type { Definition, Finding, Rehearsal } from '@/api/monitors'
import { count, duration, plural } from '@/lib/format'
import { Section } from '@/parts/page'
import { ProblemNote, Skeleton } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { Figure } from './monitor'
import { Week } from './week'

const PAUSE_MS = 700

/** What the monitor being written says now, and how often it would have rung in the past week. */
export function Rehearsed({ definition }: { definition: Definition | null }) {
  const [settled] = useDebouncedValue(definition && JSON.stringify({ ...definition, name: '', description: '', notify: null }), PAUSE_MS)
  const told = useQuery(ask.rehearsal(settled ? (JSON.parse(settled) as Definition) : null))
  return (
    <Section title="What it would have reported" note="on the data of the past 7 days; no incident is opened and nobody is notified">
      {definition === null && <p className="second">Choose a metric and a rule to preview it here.</p>}
      {definition !== null && told.isError && <ProblemNote error={told.error} />}
      {definition !== null && !told.isError && (told.data ? <Told rehearsal={told.data} definition={definition} stale={told.isFetching} /> : <Skeleton lines={5} />)}
    </Section>
  )
}

function Told({ rehearsal, definition, stale }: { rehearsal: Rehearsal; definition: Definition; stale: boolean }) {
  return (
    <div className="stack" aria-busy={stale} style={{ opacity: stale ? 0.6 : 1 }}>
      <Week rehearsal={rehearsal} definition={definition} />
      {rehearsal.fires.length > 0 && <Table label="Alerts it would have sent, newest first" rows={rehearsal.fires} columns={firesOf(definition)} rowKey={(row) => `${row.at} ${row.finding.group}`} />}
      {rehearsal.fired > rehearsal.fires.length && <p className="quiet small">The newest {count(rehearsal.fires.length)} of {count(rehearsal.fired)}.</p>}
      <h3>Now</h3>
      {rehearsal.findings.length === 0 && <p className="second">No group has data in its window.</p>}
      {rehearsal.findings.slice(0, 8).map((finding) => <Now key={finding.group ?? ''} finding={finding} />)}
      {rehearsal.findings.length > 8 && <p className="quiet small">And {plural(rehearsal.findings.length - 8, 'group')} more.</p>}
    </div>
  )
}

const firesOf = (definition: Definition): Column<Rehearsal['fires'][number]>[] => [
  { id: 'at', head: 'Began', className: 'nowrap', cell: (row) => <Time at={row.at} full /> },
  { id: 'lasted', head: 'Lasted', className: 'num nowrap', cell: (row) => (row.until ? duration(new Date(row.until).getTime() - new Date(row.at).getTime()) : <span className="bad">still</span>) },
  { id: 'group', head: 'Group', className: 'hide-s', cell: (row) => row.finding.group ?? <span className="quiet">all</span> },
  { id: 'value', head: 'Value', className: 'num', cell: (row) => <span title={row.finding.sentence}><Figure monitor={definition} finding={row.finding} /> <span className="quiet small">n {count(row.finding.n)}</span></span> },
]

function Now({ finding }: { finding: Finding }) {
  return <p className="second"><StatusTag status={finding.status} /> {finding.sentence}</p>
}
