import { Button } from '@mantine/core'
import { useState } from 'react'
import { request } from '@/api/client'
import type { Score } from '@/api/types'
import { person, plural, score as figure, words } from '@/lib/format'
import { mayTakeBack } from '@/lib/scoring'
import { useAccess } from '@/shell/access'
import { ReasonDialog } from './dialog'
import { Json } from './json'
import { TraceLink } from './links'
import { Fold } from './text'

const SOURCES = { code: 'by a check', judge: 'by a judge model', human: 'by a person', end_user: 'by the end user' }

interface ScoreTableProps {
  scores: Score[]
  /** Names of spans by their id, where each score shall say what it judges. */
  spans?: Map<string, string>
}

/** Judgements one by one: a failed one is told as failed, and one's own can be taken back. */
export function ScoreTable({ scores, spans }: ScoreTableProps) {
  const access = useAccess()
  const [taken, take] = useState<Score | null>(null)
  const own = scores.some((score) => mayTakeBack(score, access))
  return (
    <div className="table-wrap">
      <table className="table top" aria-label="Scores">
        <thead>
          <tr><th>Score</th>{spans && <th>Of</th>}<th className="num">Value</th><th>Source</th><th>Reason</th>{own && <th><span className="sr">Take back</span></th>}</tr>
        </thead>
        <tbody>
          {scores.map((score) => (
            <tr key={score.id}>
              <td><strong>{words(score.name)}</strong></td>
              {spans && <td>{score.span_id && score.trace_id ? <TraceLink id={score.trace_id} span={score.span_id}>{spans.get(score.span_id) ?? score.span_id}</TraceLink> : <span className="quiet">the trace</span>}</td>}
              <td className="num">{score.error ? <span className="bad">failed</span> : <>{score.value !== null && figure(score.value)}{score.label && <span className={score.value === null ? undefined : 'quiet'}> {score.label}</span>}</>}</td>
              <td className="second">{SOURCES[score.source]}{score.author && <span className="under" title={score.author}>{person(score.author)}{score.version && ` v${score.version}`}</span>}</td>
              <td className="second">{score.error ?? score.reason ?? ''}<Beside score={score} /></td>
              {own && <td className="num">{mayTakeBack(score, access) && <Button variant="subtle" size="compact-sm" onClick={() => take(score)}>Take back…<span className="sr"> {words(score.name)}</span></Button>}</td>}
            </tr>
          ))}
        </tbody>
      </table>
      <ReasonDialog opened={taken !== null} onClose={() => take(null)} title={`Take ${taken ? words(taken.name) : ''} back`} action="Take it back" danger withoutReason done="The score was removed." send={() => request('DELETE', `/scores/${encodeURIComponent(taken!.id)}`)}>
        {taken && <p className="second prose">{said(taken)}, {SOURCES[taken.source]}{taken.author && ` (${taken.author})`}. From now on it no longer counts on pages or in filters, monitors, corrected rates or exports. This cannot be undone, but you can score again. The audit log records that you removed it.</p>}
      </ReasonDialog>
    </div>
  )
}

/** What came with a score and none of the columns holds: a correction, the version of a dataset, a client's own fields. */
function Beside({ score }: { score: Score }) {
  const fields = Object.keys(score.metadata ?? {}).length
  if (fields === 0) return null
  return (
    <Fold title={<span className="quiet" style={{ fontWeight: 400 }}>{plural(fields, 'more field')}<span className="sr"> of {words(score.name)}</span></span>}><Json value={score.metadata} /></Fold>
  )
}

function said(score: Score): string {
  return [words(score.name), score.error ? 'failed' : [score.value === null ? null : figure(score.value), score.label].filter(Boolean).join(' ') || 'a comment'].join(': ')
}
