import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Canary } from '@/api/types'
import { plural, score } from '@/lib/format'
import { ReasonDialog } from '@/parts/dialog'
import { ReleaseChanges } from '@/parts/diff'
import { ReleaseLink, useReleaseName } from '@/parts/links'
import { Facts, Page, Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, Waiting } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { Fold } from '@/parts/text'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { GuardrailRow, looksAt, MetricRow, SampleRatio, Steps } from './canary-parts'

const CanaryChart = lazy(() => import('./canary-chart'))

export function CanaryPage() {
  const { canaryId } = useParams({ strict: false }) as { canaryId: string }
  const canary = useQuery(ask.canary(canaryId))
  const name = useReleaseName(canary.data?.candidate)
  const title = canary.data ? `Canary of ${name} on ${canary.data.channel}` : 'Canary'
  return (
    <Page
      title={title}
      crumbs={<><Link to="/canaries">Canaries</Link> {canary.data && <>· <Link to="/channels/$name" params={{ name: canary.data.channel }}>{canary.data.channel}</Link></>}</>}
      heading={<span className="line">{title} {canary.data && <StatusTag status={canary.data.status} />}</span>}
      actions={canary.data && ['running', 'held'].includes(canary.data.status) && <Actions canary={canary.data} name={name} />}
    >
      <Loaded query={canary} lines={10}>{(found) => <Opened canary={found} />}</Loaded>
    </Page>
  )
}

function Opened({ canary }: { canary: Canary }) {
  return (
    <>
      {canary.decision ? <p className="lead">{canary.decision.sentence}</p> : <p className="lead">{undecided(canary)}</p>}
      <Steps canary={canary} />
      <Section title="Difference, candidate minus baseline" note="a confidence sequence: valid at every look">
        <Looks canary={canary} />
      </Section>
      <div className="columns wide-left">
        <Section title="Measures">
          {canary.metrics.length === 0 && <p className="quiet">No score of either arm has arrived yet.</p>}
          {canary.metrics.map((metric) => <MetricRow key={metric.name} metric={metric} />)}
          {canary.guardrails?.map((guardrail) => <GuardrailRow key={guardrail.name} guardrail={guardrail} />)}
        </Section>
        <Section title={`Who is hit`} note={canary.unit ? `sticky by ${canary.unit}` : undefined}>
          <SampleRatio canary={canary} />
          <Facts
            list
            rows={[
              ['Candidate', <ReleaseLink id={canary.candidate} />],
              ['Baseline', <ReleaseLink id={canary.baseline} />],
              ['Started', <Time at={canary.started_at} full />],
              ['Ended', canary.ended_at && <Time at={canary.ended_at} full />],
              ['By', <Person actor={canary.by} />],
              ['Why', canary.reason],
              ['α', canary.alpha !== undefined && score(canary.alpha, 2)],
              ['Held at', canary.max_units && plural(canary.max_units, 'unit')],
              ['Traces', <Link to="/traces" search={{ channel: canary.channel, arm: 'candidate', release: canary.candidate }}>of the candidate</Link>],
            ]}
          />
        </Section>
      </div>
      <Fold title="What the candidate changes"><ReleaseChanges from={canary.baseline} to={canary.candidate} /></Fold>
    </>
  )
}

/** The drawing needs a look at which the arms could be compared; before that, words say where it stands. */
function Looks({ canary }: { canary: Canary }) {
  const most = Math.max(0, ...canary.metrics.map((metric) => looksAt(canary.looks, metric.name).length))
  if (most > 0) return <Suspense fallback={<div className="chart skeleton" />}><CanaryChart canary={canary} /></Suspense>
  if (canary.status !== 'running') return <p className="second">The canary ended before the arms could be compared.</p>
  return <Waiting>Waiting for enough data to compare the arms{canary.min_units ? `; a step takes at least ${plural(canary.min_units, 'unit')} per arm` : ''}…</Waiting>
}

function undecided(canary: Canary): string {
  const units = canary.units.baseline + canary.units.candidate
  if (canary.status !== 'running') return 'This canary ended without an automatic decision.'
  return `Undecided after ${plural(units, 'unit')}: the interval still reaches beyond the margin. The canary continues until the evidence is clear.`
}

const ACTIONS = {
  promote: { label: 'Promote now', danger: false, text: 'Everyone gets the candidate before the evidence is in.', done: 'Promoted.' },
  rollback: { label: 'Roll back', danger: true, text: 'Everyone gets the baseline again; the candidate takes no more traffic.', done: 'Rolled back.' },
  abort: { label: 'Abort', danger: true, text: 'The canary ends without a verdict. Everyone gets the baseline.', done: 'Aborted.' },
} as const

function Actions({ canary, name }: { canary: Canary; name: string }) {
  const [chosen, choose] = useState<keyof typeof ACTIONS | null>(null)
  const access = useAccess()
  return (
    <>
      {(['abort', 'rollback', 'promote'] as const).map((action) => (
        <ReasonedButton key={action} variant={action === 'promote' ? 'filled' : 'default'} why={access.why} onClick={() => choose(action)}>{ACTIONS[action].label}</ReasonedButton>
      ))}
      {chosen && (
        <ReasonDialog
          opened
          onClose={() => choose(null)}
          title={`${ACTIONS[chosen].label}: ${name} on ${canary.channel}`}
          action={ACTIONS[chosen].label}
          danger={ACTIONS[chosen].danger}
          done={ACTIONS[chosen].done}
          send={(reason) => post(`/canaries/${encodeURIComponent(canary.id)}/${chosen}`, { reason })}
        >
          <p>{ACTIONS[chosen].text}</p>
          <SampleRatio canary={canary} />
          {chosen === 'promote' ? <ReleaseChanges from={canary.baseline} to={canary.candidate} /> : <ReleaseChanges from={canary.candidate} to={canary.baseline} />}
        </ReasonDialog>
      )}
    </>
  )
}
