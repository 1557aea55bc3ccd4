import type { Query } from '@/api/client'
import type { TraceRow } from '@/api/types'
import { partsOf } from './q'
import { evidenceOf } from './watch'

/** Of a monitor's incident: how a bad trace of its window is found, how a good one before it, and how they differ in words. */
export interface Pair {
  bad: Query
  before: (bad: TraceRow) => Query
  words: [string, string]
}

const BEFORE_MS = 86_400_000
const MOST = 50 // the traces before the bad one among which one of the same name is looked for

/** What traces have of their own, by the metric that is watched: the parameters of the list, and its order. */
const OF_TRACES: Record<string, { sort: string; bound: string; words: string }> = {
  latency: { sort: 'latency', bound: 'latency_ms', words: 'slowest' },
  cost_per_request: { sort: 'cost', bound: 'cost', words: 'dearest' },
  tokens_per_request: { sort: 'tokens', bound: 'tokens', words: 'longest' },
}

/** null where the list cannot tell bad traces from good ones: a score, a share of slow calls, too little of something. */
export function pairOf(seen: Record<string, unknown>): Pair | null {
  const href = evidenceOf(seen)
  if (href === null) return null
  const asked = Object.fromEntries(new URLSearchParams(href.slice(href.indexOf('?')))) as Record<string, string>
  const earlier = (bad: TraceRow): Query => ({ since: new Date(Date.parse(bad.start) - BEFORE_MS).toISOString(), until: bad.start, limit: MOST, exclude: 'status:error' })
  if (seen.metric === 'error_rate' || seen.metric === 'errors') {
    const q = partsOf(asked.q ?? '').filter((part) => part.negated || part.field !== 'status').map((part) => part.text).join(' ')
    return { bad: { ...asked, limit: 1 }, before: (bad) => ({ q: q || undefined, ...earlier(bad) }), words: ['one that failed', 'one that did not'] }
  }
  const own = OF_TRACES[String(seen.metric)]
  const { value, bound } = seen as { value?: unknown; bound?: unknown }
  if (own === undefined || typeof value !== 'number' || typeof bound !== 'number' || value <= bound) return null
  return {
    bad: { ...asked, sort: `${own.sort}:desc`, [`min_${own.bound}`]: bound, limit: 1 },
    before: (bad) => ({ q: asked.q, ...earlier(bad), [`max_${own.bound}`]: bound }),
    words: [`the ${own.words}`, 'one within the line'],
  }
}

/** The newest of the same name: a trace of another kind would differ in everything. */
export const alike = (bad: TraceRow, rows: TraceRow[]) => rows.find((row) => row.name === bad.name && row.trace_id !== bad.trace_id) ?? null
