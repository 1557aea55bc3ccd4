import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { IconPoint } from '@tabler/icons-react'
import { type MouseEvent, useState } from 'react'
import { request } from '@/api/client'
import * as ask from '@/api/queries'
import type { CanaryMetric, Change, Guardrail, Incident } from '@/api/types'
import { capital, count, interval, percent, score, words } from '@/lib/format'
import { pageOf } from '@/lib/places'
import { evidenceOf, evidenceOfEach } from '@/lib/watch'
import { Linked } from '@/parts/linked'
import { ReasonDialog } from '@/parts/dialog'
import { Changes } from '@/parts/diff'
import { Json } from '@/parts/json'
import { ReleaseLink } from '@/parts/links'
import { Facts, Page, Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Said } from '@/parts/said'
import { Loaded } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { Duration, Money, Person, Time, Unknown } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { GuardrailRow, MetricRow } from '@/pages/releases/canary-parts'
import { IncidentPair } from './incident-pair'
import { Watched, watched, WatchedWeek } from './incident-watched'

export function IncidentPage() {
  const { incidentId } = useParams({ strict: false }) as { incidentId: string }
  const incident = useQuery(ask.incident(incidentId))
  const found = incident.data
  return (
    <Page
      title={found?.title ?? 'Incident'}
      crumbs={<Link to="/incidents">Incidents</Link>}
      heading={<span className="line">{found?.title ?? 'Incident'} {found && <StatusTag status={found.status} />}</span>}
      actions={found && <Standing incident={found} />}
    >
      <Loaded query={incident} lines={8}>{(one) => <Opened incident={one} />}</Loaded>
    </Page>
  )
}

interface Step {
  label: string
  method: string
  path: string
}

/** Acknowledge and resolve: what may always be done with an incident that is not over. */
function Standing({ incident }: { incident: Incident }) {
  const path = `/incidents/${encodeURIComponent(incident.id)}`
  if (incident.status === 'resolved') return null
  return (
    <>
      {incident.status === 'open' && <Act step={{ label: 'Acknowledge', method: 'POST', path: `${path}/acknowledge` }} />}
      <Act step={{ label: 'Resolve', method: 'POST', path: `${path}/resolve` }} />
    </>
  )
}

function Opened({ incident }: { incident: Incident }) {
  const extra = incident.actions.filter((action) => !/\/(acknowledge|resolve)$/.test(action.path))
  return (
    <>
      <p className="lead"><Said text={incident.sentence} /></p>
      {watched(incident.evidence) && typeof incident.evidence.description === 'string' && <Linked text={incident.evidence.description} />}
      <Facts rows={[['Opened', <Time at={incident.opened_at} full />], ['Severity', words(incident.severity)], ['Kind', words(incident.kind)], ['About', incident.subject && <Subject id={incident.subject} name={incident.evidence.monitor} />]]} />
      {extra.length > 0 && <div className="line">{extra.map((step) => <Act key={step.label} step={step} />)}</div>}
      <div className="columns wide-left">
        <Section title="Evidence" note="the numbers behind the decision"><Evidence evidence={incident.evidence} /></Section>
        <Section title="What happened since">
          <ol className="history">
            {incident.timeline.map((event, i) => (
              <li key={i}>
                <span className="knot"><IconPoint size={14} aria-hidden /></span>
                <div>
                  <div>{event.what}</div>
                  <div className="line tight quiet small"><Time at={event.at} /> {event.by && <><span>by</span> <Person actor={event.by} /></>}</div>
                </div>
              </li>
            ))}
          </ol>
        </Section>
      </div>
      <WatchedWeek incident={incident} />
    </>
  )
}

/** What the machine saw, drawn as on the canary's page; whatever else it wrote down stands below. */
function Evidence({ evidence }: { evidence: Record<string, unknown> }) {
  const [seen, others] = watched(evidence) ?? [null, evidence]
  const { metrics, guardrails, differs, arms, ...rest } = others as Known
  const entries = Object.entries(rest)
  const large = entries.filter(([, value]) => shown(value) === null)
  const href = evidenceOf(evidence)
  return (
    <>
      {href && <p><a href={href}>The traces of this window</a></p>}
      {!href && evidenceOfEach(evidence).map((one) => <p key={one.line}><a href={one.href}>The traces of this window that <q>{one.line}</q> finds</a></p>)}
      {seen && <IncidentPair evidence={evidence} />}
      {seen && <Watched seen={seen} />}
      {metrics?.map((metric) => <MetricRow key={metric.name} metric={metric} />)}
      {guardrails?.map((guardrail) => <GuardrailRow key={guardrail.name} guardrail={guardrail} />)}
      {differs?.changes && differs.changes.length > 0 && (
        <div>
          <h3>What differs</h3>
          <Changes changes={differs.changes} />
        </div>
      )}
      {arms && <Arms arms={arms} />}
      <Facts list rows={entries.filter(([, value]) => shown(value) !== null).map(([name, value]) => [capital(name), shown(value)])} />
      {large.map(([name, value]) => <div key={name}><h3>{capital(name)}</h3><Json value={value} /></div>)}
    </>
  )
}

interface Known {
  metrics?: CanaryMetric[] | null
  guardrails?: Guardrail[] | null
  differs?: { summary: string | null; changes?: Change[] } | null
  arms?: Record<string, Record<string, number | string | null> | undefined> | null
  [name: string]: unknown
}

function Arms({ arms }: { arms: NonNullable<Known['arms']> }) {
  // An arm also says its own name; what is compared are its figures.
  const figures = (arm: Record<string, unknown> | undefined) => Object.entries(arm ?? {}).filter(([, value]) => typeof value !== 'string')
  const names = [...new Set(Object.values(arms).flatMap((arm) => figures(arm).map(([name]) => name)))]
  return (
    <div className="table-wrap">
      <table className="table" aria-label="Traffic of both arms">
        <thead><tr><th>Traffic</th>{Object.keys(arms).map((arm) => <th key={arm} className="num">{capital(arm)}</th>)}</tr></thead>
        <tbody>
          {names.map((name) => (
            <tr key={name}><td>{capital(name.replace('_ms', ''))}</td>{Object.entries(arms).map(([arm, sums]) => <td key={arm} className="num">{measured(name, sums?.[name])}</td>)}</tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const figure = (value: number) => (Number.isInteger(value) ? count(value) : score(value, 4))

/** A figure in the unit its name tells. */
function measured(name: string, value: unknown): React.ReactNode {
  if (value === null || value === undefined) return <Unknown />
  if (typeof value !== 'number') return String(value)
  if (name === 'cost') return <Money usd={value} />
  if (name.includes('_ms')) return <Duration ms={value} />
  return name.endsWith('rate') ? percent(value * 100) : figure(value)
}

/** A figure, an interval, an id or a short text; `null` for what needs a tree. */
function shown(value: unknown): React.ReactNode {
  if (value === null) return <Unknown />
  if (typeof value === 'number') return figure(value)
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return /^(rel|can)_/.test(value) ? <Subject id={value} /> : value
  if (Array.isArray(value) && value.length === 2 && value.every((one) => typeof one === 'number')) return interval(value as [number, number])
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value.join(', ')
  const inner = typeof value === 'object' && !Array.isArray(value) ? Object.entries(value as object) : []
  const flat = inner.length > 0 && inner.length <= 6 && inner.every(([, one]) => typeof one === 'number' || one === null)
  return flat ? inner.map(([name, one]) => `${words(name)} ${typeof one !== 'number' ? 'unknown' : Number.isInteger(one) ? count(one) : score(one)}`).join(', ') : null
}

function Subject({ id, name }: { id: string; name?: unknown }) {
  if (id.startsWith('mon_')) return <Link to="/monitors/$monitorId" params={{ monitorId: id }}>{typeof name === 'string' ? name : 'the monitor'}</Link>
  if (id.startsWith('can_')) return <Link to="/canaries/$canaryId" params={{ canaryId: id }}>the canary</Link>
  if (id.startsWith('rel_')) return <ReleaseLink id={id} />
  return <>{id}</>
}

/** What an incident offers: a link to look at, or a request that asks for a reason first. */
function Act({ step }: { step: Step }) {
  const [opened, setOpened] = useState(false)
  const access = useAccess()
  const navigate = useNavigate()
  if (step.method.toUpperCase() === 'GET') {
    const href = pageOf(step.path)
    const open = (event: MouseEvent) => {
      if (event.metaKey || event.ctrlKey) return
      event.preventDefault()
      void navigate({ href })
    }
    return <Button component="a" href={href} variant="default" onClick={open}>{step.label}</Button>
  }
  return (
    <>
      <ReasonedButton variant="default" why={access.why} onClick={() => setOpened(true)}>{step.label}</ReasonedButton>
      <ReasonDialog opened={opened} onClose={() => setOpened(false)} title={step.label} action={step.label} done={`${step.label}: done.`} send={(reason) => request(step.method, step.path, { reason })} />
    </>
  )
}
