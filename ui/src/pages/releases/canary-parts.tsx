import type { Canary, CanaryMetric, Guardrail, Look } from '@/api/types'
import { count, interval, percent, probability, score, signed, words } from '@/lib/format'
import { scaleOf } from '@/lib/scale'
import { Whisker } from '@/parts/interval'
import { ReleaseLink } from '@/parts/links'
import { StatusTag } from '@/parts/status'

/** The canary in a few lines: what runs against what, how far, and what is known so far. */
export function CanarySummary({ canary }: { canary: Canary }) {
  return (
    <div className="stack">
      <div className="line">
        <StatusTag status={canary.status} />
        <span><ReleaseLink id={canary.candidate} /> <span className="quiet">at {percent(canary.share)} against</span> <ReleaseLink id={canary.baseline} /></span>
      </div>
      {canary.decision && <p className="lead">{canary.decision.sentence}</p>}
      <Steps canary={canary} />
      {canary.metrics.map((metric) => <MetricRow key={metric.name} metric={metric} />)}
    </div>
  )
}

/** 20 %, 50 %, all: where the canary stands. */
export function Steps({ canary }: { canary: Canary }) {
  const ended = canary.status !== 'running'
  const promoted = canary.status === 'promoted'
  const stages = [...canary.steps.map((share) => percent(share)), 'promoted']
  const state = (i: number) => {
    if (promoted || i < canary.step) return 'done'
    if (i > canary.step || i === canary.steps.length) return 'later'
    return ended ? 'stopped' : 'now'
  }
  return (
    <ol className="steps" aria-label="Steps">
      {stages.map((label, i) => (
        <li key={label} data-state={state(i)} aria-current={state(i) === 'now' ? 'step' : undefined}>
          <div className="bar" />
          <div className="label">{label}{state(i) === 'stopped' && `, ${words(canary.status)}`}{state(i) === 'now' && ', now'}</div>
        </li>
      ))}
    </ol>
  )
}

export function MetricRow({ metric }: { metric: CanaryMetric }) {
  const limit = marginOf(metric)
  const scale = scaleOf([metric.difference, ...(metric.ci ?? []), limit?.at], [0])
  return (
    <div className="measure">
      <div>
        <strong>{words(metric.name)}</strong>
        <div className="quiet small">n {count(metric.n.baseline)} baseline, {count(metric.n.candidate)} candidate</div>
      </div>
      <div>
        <Whisker value={metric.difference} ci={metric.ci} scale={scale} limit={limit} zero difference tone={toneOf(metric)} />
      </div>
      <div>
        <div>
          {score(metric.mean.candidate)} <span className="quiet">against</span> {score(metric.mean.baseline)}: difference <strong>{signed(metric.difference)}</strong> <span className="second">{interval(metric.ci, true)}</span>
        </div>
        <div className="quiet small">{limit && `margin ${signed(limit.at)} · `}{metric.decision ? words(metric.decision) : 'undecided'}</div>
      </div>
    </div>
  )
}

/** The sample ratio: a split that is not what was asked for makes every other number meaningless. */
export function SampleRatio({ canary }: { canary: Canary }) {
  const { baseline, candidate } = canary.units
  const wrong = canary.srm_p !== null && canary.srm_p < 0.001
  return (
    <div className={wrong ? 'notice bad' : 'second'}>
      <strong>{count(baseline)}</strong> baseline and <strong>{count(candidate)}</strong> candidate units
      {baseline + candidate > 0 && <> ({percent((candidate / (baseline + candidate)) * 100)} candidate)</>}.{' '}
      {canary.srm_p === null
        ? 'The traffic split has not been checked yet.'
        : wrong
          ? `The traffic split is not as configured (p ${probability(canary.srm_p)}). Do not trust the other numbers.`
          : `The traffic split is as configured (sample ratio test, p ${probability(canary.srm_p)}).`}
    </div>
  )
}

/** The looks as one score saw them; looks at which it could not be compared are left out. */
export function looksAt(looks: Look[], name: string): Look[] {
  return looks
    .map((look) => (look.metrics ? { ...look, ...(look.metrics[name] ?? { difference: null, ci: null }) } : look))
    .filter((look) => look.ci !== null)
}

export const unitsOf = (look: Look) => (typeof look.units === 'number' ? look.units : look.units.baseline + look.units.candidate)

/** The loss that may not be proven possible: below zero for scores where more is better, above it for the others. */
export function marginOf(metric: CanaryMetric): { at: number; bad: 'below' | 'above' } | null {
  if (metric.margin === null) return null
  return metric.direction === 'lower' ? { at: metric.margin, bad: 'above' } : { at: -metric.margin, bad: 'below' }
}

export function GuardrailRow({ guardrail }: { guardrail: Guardrail }) {
  const { events, n, rate, e, alarm_at: alarm } = guardrail
  return (
    <div className="measure">
      <div>
        <strong>{words(guardrail.name)}</strong>
        <div className="quiet small">guardrail{n && ` · n ${count(n.baseline)} baseline, ${count(n.candidate)} candidate`}</div>
      </div>
      <div className="second">
        {rate && events ? (
          <>{share(rate.candidate)} <span className="quiet">({count(events.candidate)}) against</span> {share(rate.baseline)} <span className="quiet">({count(events.baseline)})</span></>
        ) : (
          'not checked yet'
        )}
      </div>
      <div>
        {guardrail.decision ? words(guardrail.decision) : 'undecided'}
        {typeof e === 'number' && typeof alarm === 'number' && <div className="quiet small">evidence of harm {score(e, 1)}; at {score(alarm, 0)} the canary is rolled back</div>}
      </div>
    </div>
  )
}

const share = (rate: number | null) => (rate === null ? 'unknown' : percent(rate * 100))

function toneOf(metric: CanaryMetric): 'good' | 'bad' | 'accent' {
  if (!metric.ci) return 'accent'
  const [low, high] = metric.direction === 'lower' ? [-metric.ci[1], -metric.ci[0]] : metric.ci
  if (high < 0) return 'bad'
  return metric.margin !== null && low > -metric.margin ? 'good' : 'accent'
}
