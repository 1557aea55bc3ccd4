import type { Score } from '@/api/types'

/** What a score is of: a trace, one of its spans, or a session. */
export interface Judged {
  trace_id?: string
  span_id?: string
  session?: string
}

export type Verdict = 'yes' | 'no' | 'number' | 'label' | 'comment'

export interface Typed {
  name: string
  verdict: Verdict | null
  number: number | string
  label: string
  reason: string
}

export type NewScore = Judged & { name: string; value?: number; label?: string; reason?: string; source: 'human' }

/** The score that is meant by what was typed; null as long as something is missing. */
export function newScore(subject: Judged, typed: Typed): NewScore | null {
  const name = typed.name.trim()
  const reason = typed.reason.trim()
  const said = saidBy(typed)
  if (!name || said === null || (typed.verdict === 'comment' && !reason)) return null
  return { ...subject, name, ...said, ...(reason && { reason }), source: 'human' }
}

function saidBy({ verdict, number, label }: Typed): { value?: number; label?: string } | null {
  if (verdict === null) return null
  if (verdict === 'comment') return {}
  if (verdict === 'label') return label.trim() ? { label: label.trim() } : null
  if (verdict === 'number') return number === '' || !Number.isFinite(Number(number)) ? null : { value: Number(number) }
  return { value: verdict === 'yes' ? 1 : 0 }
}

/** Those of the same thing; of a trace those of its spans, too: rates are corrected by what people say in the same trace. */
export function ofSubject(scores: Score[], { span_id: span }: Judged): Score[] {
  return span === undefined ? scores : scores.filter((one) => one.span_id === span)
}

/** Whoever gave it, and admins. What a run's checks said stays: verdicts were computed from it. */
export function mayTakeBack(score: Score, who: { write: boolean; admin: boolean; actor: string | null }): boolean {
  return who.write && !score.run && (who.admin || (who.actor !== null && score.author === who.actor))
}

const LAST = 'assay-last-score'

/** Who judges many traces judges them by the same. */
export const lastName = {
  get: () => sessionStorage.getItem(LAST) ?? '',
  set: (name: string) => sessionStorage.setItem(LAST, name),
}
