import { useMemo } from 'react'
import { Link } from '@tanstack/react-router'
import type { OutlinedTrace } from '@/api/tracing'
import { count, score, words } from '@/lib/format'
import { Section } from '@/parts/page'
import { ScoreTable } from '@/parts/scores'
import { Empty } from '@/parts/states'

/** Every judgement of the trace and its spans: by checks, judge models, people and end users. */
export default function TraceScores({ trace }: { trace: OutlinedTrace }) {
  const names = useMemo(() => new Map(trace.spans.map((span) => [span.span_id, span.name])), [trace.spans])
  if (trace.scores.length === 0) {
    return (
      <Empty title="No scores on this trace yet">
        <p className="second prose">Scores from checks, judge models, people and end users appear here. Your application sends one with <code>assay.score("helpful", 1, trace_id="{trace.trace_id}")</code>; end users send thumbs with the public key. To add yours, use <em>Score…</em> above, or the key <kbd>s</kbd>.</p>
      </Empty>
    )
  }
  const means = Object.entries(meansOf(trace)).filter(([, { n }]) => n > 0)
  return (
    <Section title="Scores" note={means.map(([name, { mean, n }]) => `${words(name)} ${score(mean)} (n ${n})`).join(' · ')}>
      {trace.scores_left_out > 0 && (
        <p className="second prose">
          These are the newest {count(trace.scores.length)} of {count(trace.scores.length + trace.scores_left_out)} scores, with those of end users last; the means are of these.{' '}
          <Link to="/sql" search={{ q: `SELECT name, source, count(*) AS n, avg(value) AS mean FROM scores WHERE trace_id = '${trace.trace_id}' GROUP BY ALL` }}>Means of all, in SQL</Link>
        </p>
      )}
      <ScoreTable scores={trace.scores} spans={names} />
    </Section>
  )
}

/** Failed judgements are not in a mean. */
function meansOf(trace: OutlinedTrace): Record<string, { mean: number | null; n: number }> {
  const found: Record<string, { mean: number | null; n: number }> = {}
  for (const { name, value } of trace.scores) {
    const one = (found[name] ??= { mean: null, n: 0 })
    if (value === null) continue
    one.mean = ((one.mean ?? 0) * one.n + value) / (one.n + 1)
    one.n += 1
  }
  return found
}
