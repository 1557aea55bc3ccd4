import { Button } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { post, request } from '@/api/client'
import * as ask from '@/api/monitors'
import type { Evaluation, Finding, Monitor } from '@/api/monitors'
import { count, duration } from '@/lib/format'
import { told } from '@/lib/match'
import { evidence, inUnit, metricName, overName, ruleName, spanName, tells } from '@/lib/watch'
import { Linked } from '@/parts/linked'
import { Facts, Page, Section } from '@/parts/page'
import { Empty, Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { Silence } from './dialogs'
import { PastWeek } from './week'

export function MonitorPage() {
  const { monitorId } = useParams({ strict: false }) as { monitorId: string }
  const found = useQuery(ask.monitor(monitorId))
  return (
    <Page title={found.data?.name ?? 'Monitor'} crumbs={<Link to="/monitors">Monitors</Link>} actions={found.data && <Actions monitor={found.data} />}>
      <Loaded query={found}>{(monitor) => <Body monitor={monitor} />}</Loaded>
    </Page>
  )
}

function Body({ monitor }: { monitor: Monitor }) {
  const history = useQuery(ask.evaluations(monitor.id))
  const channels = useQuery(ask.channels)
  return (
    <>
      <p className="lead"><StatusTag status={monitor.status} /> {leadOf(monitor)}</p>
      {monitor.silenced_until && <p className="notice">Notifications are paused until <Time at={monitor.silenced_until} full />. Incidents still open.</p>}
      <Facts
        rows={[
          ['Alert when', `${metricName(monitor.metric)} ${ruleName(monitor.rule, monitor.metric)}`],
          ['Over', overName(monitor)],
          ['Checked every', spanName(monitor.every_s)],
          ['At least', `n ${count(monitor.min_n)}`],
          ['Of', told(monitor.filter).join(', ')],
          ['For each', monitor.group_by],
          ['Severity', monitor.severity],
          ['Notifies', channels.data ? tells(monitor.notify, channels.data.items) : null],
          ['Next check', monitor.enabled && <Time key="next" at={monitor.next_at} />],
          ['Created by', <Person key="by" actor={monitor.created_by} />],
        ]}
      />
      {monitor.description && <Linked text={monitor.description} />}
      {(monitor.states.length > 1 || monitor.states[0]?.incident) && (
        <Section title="Now"><Table label="States" rows={monitor.states} columns={statesOf(monitor)} rowKey={(row) => row.group ?? ''} /></Section>
      )}
      {monitor.enabled && <PastWeek monitor={monitor} />}
      <Section title="Checks" note="newest first">
        <Loaded query={history} lines={4}>
          {({ items }) => (items.length === 0 ? <Empty title="Not checked yet"><p className="second">Test it to see what it would report now.</p></Empty> : <Table label="Checks, newest first" rows={items} columns={looksOf(monitor)} rowKey={(row) => row.at} />)}
        </Loaded>
      </Section>
    </>
  )
}

function leadOf(monitor: Monitor): string {
  if (!monitor.enabled) return 'This monitor is turned off.'
  const worst = monitor.states.find((state) => state.status === 'alarm') ?? monitor.states[0]
  return worst?.finding?.sentence ?? 'Not checked yet.'
}

const statesOf = (monitor: Monitor): Column<Monitor['states'][number]>[] => [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <StatusTag status={row.status} /> },
  { id: 'group', head: 'Group', cell: (row) => row.group ?? 'all' },
  { id: 'said', head: 'Finding', className: 'main-cell', cell: (row) => <span className="second">{row.finding?.sentence}</span> },
  { id: 'value', head: 'Value', className: 'num', cell: (row) => row.finding && <Figure monitor={monitor} finding={row.finding} /> },
  { id: 'incident', head: 'Incident', className: 'nowrap', cell: (row) => (row.incident ? <Link to="/incidents/$incidentId" params={{ incidentId: row.incident }}>open</Link> : <span className="quiet">none</span>) },
  { id: 'since', head: 'Since', className: 'num hide-s', cell: (row) => <Time at={row.since} /> },
]

const looksOf = (monitor: Monitor): Column<Evaluation>[] => [
  { id: 'at', head: 'When', className: 'nowrap', cell: (row) => <><Time at={row.at} />{row.late_s > 0 && <span className="quiet small" title="caught up after the server was down"> {duration(row.late_s * 1000)} late</span>}</> },
  { id: 'said', head: 'Finding', className: 'main-cell', cell: (row) => <Findings all={row.findings} /> },
  { id: 'n', head: 'n', className: 'num hide-s', cell: (row) => count(row.findings.reduce((sum, one) => sum + one.n, 0)) },
  { id: 'value', head: 'Value', className: 'num', cell: (row) => (row.findings.length === 1 && row.findings[0]!.value !== null ? <Figure monitor={monitor} finding={row.findings[0]!} /> : <span className="quiet">{row.findings.length > 1 ? `${row.findings.length} groups` : 'unknown'}</span>) },
]

/** A value leads to the traces it was computed from, where their list can be narrowed to them. */
export function Figure({ monitor, finding }: { monitor: Parameters<typeof evidence>[0]; finding: Finding }) {
  const shown = inUnit(finding.value, finding.unit)
  const href = finding.n > 0 ? evidence(monitor, finding) : null
  return href ? <a href={href} title={`the traces it was computed from, n ${finding.n}`}>{shown}</a> : <>{shown}</>
}

function Findings({ all }: { all: Finding[] }) {
  if (all.length === 0) return <span className="quiet">no group had data</span>
  const worst = all.find((one) => one.status === 'alarm') ?? all[0]!
  return <div className={worst.status === 'alarm' ? 'bad' : 'second'} style={{ padding: '0.2rem 0' }}>{worst.sentence}</div>
}

function Actions({ monitor }: { monitor: Monitor }) {
  const access = useAccess()
  const client = useQueryClient()
  const navigate = useNavigate()
  const [silencing, silence] = useState(false)
  const [sure, setSure] = useState(false)
  const path = `/monitors/${encodeURIComponent(monitor.id)}`
  const refresh = () => client.invalidateQueries({ queryKey: ['monitors'] })
  const test = useMutation({
    mutationFn: () => post<{ findings: Finding[] }>(`${path}/test`),
    onSuccess: ({ findings }) => notifications.show({ title: 'It would report now', message: findings.map((one) => one.sentence).join(' ') || 'No group has data.', autoClose: 15_000 }),
  })
  const toggle = useMutation({ mutationFn: () => request('PUT', path, { ...ask.definitionOf(monitor), enabled: !monitor.enabled }, undefined, monitor.revision), onSettled: refresh })
  const remove = useMutation({
    mutationFn: () => request('DELETE', path, undefined, undefined, monitor.revision),
    onError: refresh,
    onSuccess: async () => {
      await navigate({ to: '/monitors' })
      await client.invalidateQueries()
    },
  })
  const failed = [test, toggle, remove].find((one) => one.isError)
  if (!access.write) return null
  return (
    <>
      {failed && <ProblemNote error={failed.error} />}
      <Button variant="default" loading={test.isPending} onClick={() => test.mutate()}>Test</Button>
      <Button variant="default" onClick={() => silence(true)}>Silence</Button>
      <Button variant="default" renderRoot={(props) => <Link to="/monitors/$monitorId/edit" params={{ monitorId: monitor.id }} {...props} />}>Change</Button>
      <Button variant="default" renderRoot={(props) => <Link to="/monitors/new" search={{ from: monitor.id }} {...props} />}>Copy</Button>
      <Button variant="default" loading={toggle.isPending} onClick={() => toggle.mutate()}>{monitor.enabled ? 'Turn off' : 'Turn on'}</Button>
      <Button variant="default" color="red.8" loading={remove.isPending} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))}>{sure ? 'Really delete' : 'Delete'}</Button>
      {silencing && <Silence path={path} onClose={() => silence(false)} />}
    </>
  )
}
