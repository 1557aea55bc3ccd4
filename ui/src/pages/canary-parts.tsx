import type { Canary, CanaryMetric } from '@/api/types'
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
  const limit = metric.margin === null ? null : ({ at: -metric.margin, bad: 'below' } as const)
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
        <div className="quiet small">{metric.margin !== null && `margin ${signed(-metric.margin)} · `}{metric.decision ? words(metric.decision) : 'undecided'}</div>
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
        ? 'The split has not been checked yet.'
        : wrong
          ? `The split is not what was asked for (p ${probability(canary.srm_p)}): do not read the other numbers.`
          : `The split is as asked for (sample ratio test, p ${probability(canary.srm_p)}).`}
    </div>
  )
}

function toneOf(metric: CanaryMetric): 'good' | 'bad' | 'accent' {
  if (metric.ci && metric.ci[1] < 0) return 'bad'
  if (metric.ci && metric.margin !== null && metric.ci[0] > -metric.margin) return 'good'
  return 'accent'
}
