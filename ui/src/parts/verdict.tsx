import { Link } from '@tanstack/react-router'
import type { Verdict, VerdictMetric } from '@/api/types'
import { count, interval, probability, score, signed, words } from '@/lib/format'
import { scaleOf, scoreScale } from '@/lib/scale'
import { Whisker } from './interval'
import { ReleaseLink, RunLink } from './links'
import { VerdictTag } from './status'
import { Person, Time } from './values'

const TONES = { pass: 'good', fail: 'bad', inconclusive: 'unsure' } as const

/** A verdict one can read: the sentence, then each metric's interval drawn against its bar or margin. */
export function VerdictCard({ verdict }: { verdict: Verdict }) {
  return (
    <article className="verdict" data-verdict={verdict.verdict} aria-label={`Verdict: ${verdict.verdict}`}>
      <div className="line">
        <VerdictTag verdict={verdict.verdict} />
        <span className="second">Suite {verdict.suite}</span>
        <span className="quiet small">n {count(verdict.n)} · α {verdict.alpha}</span>
        <span className="quiet small" style={{ marginLeft: 'auto' }}>
          <Link to="/verdicts/$verdictId" params={{ verdictId: verdict.id }}><Time at={verdict.created_at} /></Link>
        </span>
      </div>
      <p className="lead">{verdict.sentence}</p>
      {verdict.metrics && verdict.metrics.length > 0 && (
        <div>{verdict.metrics.map((metric) => <Measure key={`${metric.metric}/${metric.kind}`} metric={metric} />)}</div>
      )}
      <div className="line quiet small">
        <span>Release <ReleaseLink id={verdict.release} /></span>
        <span>run <RunLink id={verdict.run} /></span>
        {verdict.baseline_run && (
          <>
            <span>against run <RunLink id={verdict.baseline_run} /></span>
            <Link to="/runs/compare" search={{ a: verdict.baseline_run, b: verdict.run }}>side by side</Link>
          </>
        )}
        <span className="line tight">by <Person actor={verdict.created_by} /></span>
      </div>
    </article>
  )
}

function Measure({ metric }: { metric: VerdictMetric }) {
  const relative = metric.kind === 'baseline'
  const point = relative ? metric.difference : metric.value
  const limit = limitOf(metric)
  const scale = relative
    ? scaleOf([point, ...(metric.ci ?? []), limit?.at], [0])
    : scoreScale([point, ...(metric.ci ?? []), limit?.at])
  return (
    <div className="measure">
      <div>
        <div className="line tight">
          <strong>{words(metric.metric)}</strong>
          <VerdictTag verdict={metric.verdict} />
        </div>
        <div className="quiet small">
          n {count(metric.n)}
          {metric.clusters !== null && metric.clusters !== metric.n && ` in ${count(metric.clusters)} clusters`}
          {metric.errors > 0 && <span className="bad"> · {metric.errors} errors</span>}
        </div>
      </div>
      <div>
        <Whisker value={point} ci={metric.ci} scale={scale} tone={TONES[metric.verdict]} limit={limit} zero={relative} difference={relative} />
        <div className="quiet small">
          {relative ? `difference ${signed(point)} ${interval(metric.ci, true)}` : `${score(point)} ${interval(metric.ci)}`}
          {limit && `, ${relative ? 'margin' : 'bar'} ${relative ? signed(limit.at) : score(limit.at)}`}
        </div>
      </div>
      <div>
        <div>{metric.sentence}</div>
        <div className="quiet small">
          {[
            metric.method && words(metric.method),
            metric.p !== null && `p ${probability(metric.p)}`,
            metric.minimum_detectable !== null && `smallest difference it could see ${score(metric.minimum_detectable)}`,
            metric.verdict === 'inconclusive' && metric.items_needed !== null && `about ${count(metric.items_needed)} items would decide`,
          ].filter(Boolean).join(' · ')}
        </div>
      </div>
    </div>
  )
}

/** The line the interval is held against. For metrics where lower is better the bad side is above it. */
function limitOf(metric: VerdictMetric): { at: number; bad: 'below' | 'above' } | null {
  const lower = metric.direction === 'lower'
  const bad = lower ? 'above' : 'below'
  if (metric.kind === 'bar') return typeof metric.bar === 'number' ? { at: metric.bar, bad } : null
  return typeof metric.margin === 'number' ? { at: lower ? metric.margin : -metric.margin, bad } : null
}
