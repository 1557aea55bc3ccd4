import type { Score } from '@/api/types'
import { score as figure, words } from '@/lib/format'
import { TraceLink } from './links'

const SOURCES = { code: 'by a check', judge: 'by a judge model', human: 'by a person', end_user: 'by the end user' }

interface ScoreTableProps {
  scores: Score[]
  /** Names of spans by their id, where each score shall say what it judges. */
  spans?: Map<string, string>
}

/** Judgements one by one: a failed one is told as failed. */
export function ScoreTable({ scores, spans }: ScoreTableProps) {
  return (
    <div className="table-wrap">
      <table className="table top" aria-label="Scores">
        <thead>
          <tr><th>Score</th>{spans && <th>Of</th>}<th className="num">Value</th><th>Source</th><th>Reason</th></tr>
        </thead>
        <tbody>
          {scores.map((score) => (
            <tr key={score.id}>
              <td><strong>{words(score.name)}</strong></td>
              {spans && <td>{score.span_id && score.trace_id ? <TraceLink id={score.trace_id} span={score.span_id}>{spans.get(score.span_id) ?? score.span_id}</TraceLink> : <span className="quiet">the trace</span>}</td>}
              <td className="num">{score.error ? <span className="bad">failed</span> : <>{score.value !== null && figure(score.value)}{score.label && <span className={score.value === null ? undefined : 'quiet'}> {score.label}</span>}</>}</td>
              <td className="second">{SOURCES[score.source]}{score.author && <span className="under">{score.author}{score.version && ` v${score.version}`}</span>}</td>
              <td className="second">{score.error ?? score.reason ?? ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
