import { queryOptions } from '@tanstack/react-query'
import type { Again } from '@/lib/curl'
import { get, type Query } from './client'
import type { Amount, Spent } from './costs'
import type { List, Span, SpanKind, SpanStatus, Tokens, Trace, TraceRow, Word } from './types'

/** The shapes of `docs/api/tracing.md`, and of token bleed and steps in `docs/api/costs.md`. */

/** A span without its texts and attributes: what the tree is drawn from. */
export type Outline = Omit<Span, 'input' | 'output' | 'documents' | 'attributes' | 'resource' | 'events' | 'links'>

export interface OutlinedTrace extends Omit<Trace, 'spans'> {
  spans: Outline[]
}

export interface GraphNode {
  id: string
  kind: SpanKind | null
  name: string
  calls: number
  traces: number
  errors: number
  retries: number
  time_ms: number
  own_ms: number
  tokens: Tokens
  cost: Spent
  empty_results: number | null
  /** How many steps are folded into this one. */
  names: number
  span_ids: string[]
}

export interface GraphEdge {
  from: string
  to: string
  kind: 'call' | 'then'
  count: number
}

export interface Graph {
  trace_id: string | null
  name: string | null
  traces: number
  matching: number
  spans: number
  nodes: GraphNode[]
  edges: GraphEdge[]
}

export interface PairSide {
  span_id: string
  start_ms: number
  latency_ms: number
  status: SpanStatus
  model: string | null
  tokens: Tokens | null
  cost: number | null
  prompt: string | null
  prompt_version: string | null
  release: string | null
  input_same: boolean | null
  output_same: boolean | null
}

export interface PairRow {
  depth: number
  kind: SpanKind
  name: string
  a: PairSide | null
  b: PairSide | null
  changed: string[]
}

export interface TracePair {
  a: TraceRow
  b: TraceRow
  sentence: string
  rows: PairRow[]
  matched: number
  only_a: number
  only_b: number
}

export interface TokenNode extends Amount {
  kind: SpanKind
  name: string
}

export interface TokenCall {
  span_id: string
  name: string
  model: string | null
  start: string
  input_tokens: number | null
  added_tokens: number | null
  resent_tokens: number | null
  output_tokens: number | null
  cost: number | null
  added: { role: string; tokens: number | null; from: { kind: SpanKind; name: string; span_id: string } | null; preview: string }[]
}

export interface TokenUse {
  trace_id: string
  cost: Spent
  tokens: Tokens
  llm_calls: number
  tool_calls: number
  empty_tool_results: number | null
  resent_tokens: number | null
  resent_share: number | null
  sentence: string
  nodes: TokenNode[]
  sections: { section: string; messages: number; tokens: number; share: number | null }[]
  calls: TokenCall[]
  repeated: { hash: string; role: string; times: number; tokens_each: number | null; tokens_wasted: number | null; usd: number | null; preview: string }[]
}

export interface Step extends Amount {
  kind: SpanKind
  name: string
  traces: number
  errors: number
  latency_ms: { p50: number | null; p95: number | null }
  own_ms: { p50: number | null; p95: number | null }
  time_share: number | null
  tokens_per_call: { p50: number | null; p95: number | null }
  empty_results: number | null
  bottleneck: boolean
  slowest: { trace_id: string; span_id: string; latency_ms: number }[]
}

export interface Steps extends List<Step> {
  name: string | null
  traces: number
  /** Of how many traces one was looked at; 1: all of them. */
  one_in: number
  latency_ms: { p50: number | null; p95: number | null }
  names: { name: string; traces: number }[]
  sentence: string
}

const at = (id: string) => encodeURIComponent(id)
const stored = { staleTime: 60_000 }

export const outline = (id: string) =>
  queryOptions({ queryKey: ['traces', id, 'outline'], queryFn: () => get<OutlinedTrace>(`/traces/${at(id)}`, { outline: true }), staleTime: 15_000 })
export const span = (trace: string, id: string) =>
  queryOptions({ queryKey: ['traces', trace, 'spans', id], queryFn: () => get<Span>(`/traces/${at(trace)}/spans/${at(id)}`), ...stored })
export const spanTest = (trace: string, id: string) => get<{ filename: string; source: string }>(`/traces/${at(trace)}/spans/${at(id)}/test`)
/** A span as an item of a dataset, as `POST /datasets/{name}/items` takes it. */
export interface NewItem {
  input: unknown
  expected: unknown
  contexts?: string[]
  source_span: string
}

export const spanItem = (trace: string, id: string) =>
  queryOptions({ queryKey: ['traces', trace, 'spans', id, 'item'], queryFn: () => get<NewItem>(`/traces/${at(trace)}/spans/${at(id)}/item`), ...stored })
export const spanRequest = (trace: string, id: string) => get<Again>(`/traces/${at(trace)}/spans/${at(id)}/request`)
export const graph = (id: string) =>
  queryOptions({ queryKey: ['traces', id, 'graph'], queryFn: () => get<Graph>(`/traces/${at(id)}/graph`), ...stored })
export const kindGraph = (query: Query) =>
  queryOptions({ queryKey: ['graph', query], queryFn: () => get<Graph>('/graph', query), ...stored })
export const tokenUse = (id: string) =>
  queryOptions({ queryKey: ['traces', id, 'tokens'], queryFn: () => get<TokenUse>(`/traces/${at(id)}/tokens`), ...stored })
export const tracePair = (a: string, b: string) =>
  queryOptions({ queryKey: ['traces', a, 'compare', b], queryFn: () => get<TracePair>(`/traces/${at(a)}/compare/${at(b)}`), ...stored })
export const steps = (query: Query) =>
  queryOptions({ queryKey: ['steps', query], queryFn: () => get<Steps>('/steps', query), staleTime: 30_000, placeholderData: (old) => old })
/** A few traces, in one answer. */
export const tracesOf = (query: Query) => queryOptions({ queryKey: ['traces', 'of', query], queryFn: () => get<List<TraceRow>>('/traces', query), ...stored })
/** The newest traces of a kind that began before a moment. */
export const tracesBefore = (name: string, until: string) =>
  queryOptions({ queryKey: ['traces', 'before', name, until], queryFn: () => get<List<TraceRow>>('/traces', { name, until, limit: 5 }), ...stored })

/** A file that a span speaks of, kept beside the facts. `docs/api/media.md` */
export interface StoredMedia {
  id: string
  content_type: string
  bytes: number | null
  span_id: string | null
  field: string
  stored: boolean
  url: string
}

export const media = (trace: string) =>
  queryOptions({ queryKey: ['traces', trace, 'media'], queryFn: () => get<List<StoredMedia>>(`/traces/${at(trace)}/media`), ...stored })

export interface PromptDiff {
  messages: { part: string; role: string; words: Word[] }[]
}

export const promptDiff = (from: string, to: string) =>
  queryOptions({ queryKey: ['prompts', from, 'diff', to], queryFn: () => get<PromptDiff>('/prompt-diff', { from, to }), staleTime: Infinity })
