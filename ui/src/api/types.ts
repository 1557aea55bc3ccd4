/** The JSON of `docs/api/README.md`. `null` means unknown, never zero; times are RFC 3339 in UTC; money is US dollars. */

export interface List<T> {
  items: T[]
  total: number
  next: string | null
}

export type Role = 'admin' | 'editor' | 'viewer' | 'ingest' | 'score'

export interface Info {
  version: string
  api_version: string
  project: string | null
  project_name: string | null
  role: Role | null
  actor: string | null
  /** Of OTLP over gRPC; 0: off. */
  grpc_port: number | null
  /** Of which backup, while what would leave a restored server is held; its fields are null where that cannot be read. */
  held?: { backup: string | null; made_at: string | null; restored_at: string | null } | null
}

export interface Outgoing {
  held: Info['held']
  /** How many wait, of all projects. */
  messages: number
}

export interface Tokens {
  fresh_input: number | null
  cache_read: number | null
  cache_write: number | null
  output: number | null
  reasoning: number | null
  input_total: number | null
  output_total: number | null
}

export type SpanKind =
  | 'llm' | 'agent' | 'tool' | 'retriever' | 'reranker' | 'embedding' | 'guardrail' | 'evaluator' | 'chain' | 'span'
export type SpanStatus = 'ok' | 'error' | 'unset'
export type Arm = 'baseline' | 'candidate'

export interface TraceRow {
  trace_id: string
  root_span_id: string | null
  /** The spans that say what stands here as asked and answered: the root, or calls beneath one that says nothing. */
  said_by?: { input: string | null; output: string | null }
  name: string
  kind: SpanKind
  service: string | null
  start: string
  latency_ms: number | null
  status: SpanStatus
  spans: number
  errors: number
  models: string[]
  user: string | null
  session: string | null
  feature: string | null
  tenant: string | null
  cost_center: string | null
  release: string | null
  channel: string | null
  arm: Arm | null
  tokens: { input: number | null; output: number | null }
  cost: { usd: number | null; unknown: number }
  input: string | null
  output: string | null
  scores: Record<string, { n: number; mean: number | null }>
  pii: string[]
  /** Spans whose text was let go. */
  let_go?: number
}

export interface ToolCall {
  id?: string
  type?: string
  name?: string
  arguments?: unknown
  function?: { name: string; arguments: unknown }
}

export interface MessagePart {
  type: string
  content?: unknown
  text?: string
  name?: string
  arguments?: unknown
  response?: unknown
  [key: string]: unknown
}

export interface Message {
  role: string
  content?: string | MessagePart[] | null
  parts?: MessagePart[]
  tool_calls?: ToolCall[]
  name?: string
  tool_call_id?: string
  reasoning?: string
  reasoning_content?: string
}

export interface Document {
  id: string | null
  content: string | null
  score: number | null
  metadata?: Record<string, unknown> | null
}

export interface Span {
  trace_id: string
  span_id: string
  parent_id: string | null
  name: string
  kind: SpanKind
  start: string
  end: string
  start_ns: string
  latency_ms: number
  status: SpanStatus
  status_message: string | null
  service: string | null
  environment: string | null
  scope: string | null
  session: string | null
  user: string | null
  feature: string | null
  tenant: string | null
  cost_center: string | null
  tags: string[]
  input: Message[] | string | null
  output: Message[] | string | null
  documents?: Document[] | null
  tools?: OfferedTools | null
  model: string | null
  provider: string | null
  tokens: Tokens | null
  cost: number | null
  cost_source: string | null
  ttft_ms: number | null
  prompt: string | null
  prompt_version: string | null
  release: string | null
  channel: string | null
  canary: string | null
  arm: Arm | null
  run: string | null
  item: string | null
  pii: string[]
  attributes: Record<string, unknown>
  resource: Record<string, unknown>
  events: { name: string; time_ns?: number | string; time?: string; attributes: Record<string, unknown> }[]
  links: { trace_id: string; span_id: string; attributes: Record<string, unknown> }[]
  /** Its texts and long attributes are gone, by a rule of retention. */
  let_go?: { at: string; kept_days: number } | null
  /** Whether sampling kept its texts; `waiting`: they are shown once that is decided. */
  content?: 'kept' | 'waiting' | 'sampled_out'
}

export interface Score {
  id: string
  name: string
  time: string
  source: 'code' | 'judge' | 'human' | 'end_user'
  value: number | null
  label: string | null
  error: string | null
  reason: string | null
  author: string | null
  version: string | null
  trace_id: string | null
  session?: string | null
  run?: string | null
  span_id: string | null
  metadata?: Record<string, unknown>
}

/** The tools that a model was offered, of a single span. `tokens`: how much of its prompt they are, where that is known. */
export interface OfferedTools {
  tokens: number | null
  items: { name: string; description: string | null; parameters: unknown }[]
}

export interface Trace extends Omit<TraceRow, 'spans' | 'scores'> {
  spans: Span[]
  scores: Score[]
  /** How many more there are, where there are very many; those of end users before others. */
  scores_left_out: number
}

export interface Facet {
  value: string
  n: number
}

export interface Template {
  system?: string | null
  user?: string | null
  messages?: { role: string; content: string }[] | null
}

export interface PromptVersion {
  id: string
  name: string
  version: number
  content_hash: string
  template: Template
  variables: string[]
  model: string | null
  parameters: Record<string, unknown> | null
  output_schema: Record<string, unknown> | null
  changelog: string | null
  created_at: string
  created_by: string
}

export interface RetrievalConfig {
  id: string
  name: string
  version: number
  embedding_model: string
  chunking: Record<string, unknown>
  top_k: number
  threshold: number | null
  index_version: string | null
  index_built_at: string | null
}

export interface Dataset {
  id: string
  name: string
  version: number
  description?: string | null
  content_hash: string
  items: number
  scrubbed: Record<string, number> | null
  created_at: string
  created_by: string
}

export interface DatasetItem {
  id: string
  input: unknown
  expected: unknown
  contexts?: unknown[] | null
  cluster: string | null
  tags: string[]
  metadata: Record<string, unknown> | null
  source_span?: string | null
}

export interface CheckInfo {
  name: string
  version: string
  range: [number | null, number | null]
  direction: 'higher' | 'lower'
  describes: string
  cannot_see: string
  formula: string
}

export interface Estimate {
  n: number
  errors: number
  mean: number | null
  ci: [number, number] | null
  method: string | null
}

export interface Run {
  id: string
  status: 'queued' | 'running' | 'done' | 'failed' | 'cancelled'
  dataset: { name: string; version: number; id: string }
  release: string | null
  endpoint: string | null
  started_at: string | null
  ended_at: string | null
  progress: { done: number; total: number; errors: number }
  scores: Record<string, Estimate>
  cost: { usd: number | null; unknown: number }
  latency_ms: { p50: number | null; p95: number | null }
  created_by: string
  error?: string | null
}

export interface ItemScore {
  value: number | null
  error: string | null
  reason: string | null
}

export interface RunItem {
  item: string
  repeat?: number
  input: unknown
  expected: unknown
  output: string | null
  contexts: { id?: string; text?: string; score?: number | null }[] | null
  error: string | null
  trace_id: string | null
  latency_ms: number | null
  cost: number | null
  cluster: string | null
  tags: string[]
  scores: Record<string, ItemScore>
}

export interface ComparedMetric {
  n: number
  difference: number | null
  ci: [number, number] | null
  better: number
  worse: number
  same: number
}

export type ComparedSide = Pick<RunItem, 'output' | 'error' | 'trace_id' | 'scores'>

export interface ComparedItem {
  item: string
  input: unknown
  expected: unknown
  cluster?: string | null
  a: ComparedSide | null
  b: ComparedSide | null
}

export interface Comparison {
  a: Run | string
  b: Run | string
  metrics: Record<string, ComparedMetric>
  items: ComparedItem[]
}

export type Outcome = 'pass' | 'fail' | 'inconclusive'

export interface VerdictMetric {
  metric: string
  kind: 'bar' | 'baseline'
  verdict: Outcome
  n: number
  errors: number
  clusters: number | null
  value: number | null
  baseline: number | null
  difference: number | null
  ci: [number, number] | null
  bound: number | null
  bar?: number | null
  margin?: number | null
  direction?: 'higher' | 'lower'
  method: string | null
  p: number | null
  minimum_detectable: number | null
  items_needed: number | null
  sentence: string
}

export interface Verdict {
  id: string
  verdict: Outcome
  release: string | null
  run: string
  baseline_run: string | null
  suite: string
  alpha: number
  n: number
  metrics?: VerdictMetric[]
  sentence: string
  created_at: string
  created_by: string
}

export interface Release {
  id: string
  name: string
  version: number
  content_hash: string
  prompts: Record<string, PromptVersion>
  model: string
  parameters: Record<string, unknown> | null
  output_schema: Record<string, unknown> | null
  retrieval_config: RetrievalConfig | null
  guard_policy: unknown
  code_ref: string | null
  changelog: string | null
  created_at: string
  created_by: string
  verdicts: Verdict[]
  live_on: string[]
}

export interface Word {
  op: 'equal' | 'insert' | 'delete'
  text: string
}

export interface Change {
  part: string
  kind: 'text' | 'value' | 'added' | 'removed'
  from: unknown
  to: unknown
  words?: Word[] | null
}

export interface ReleaseDiff {
  from: string
  to: string
  changes: Change[]
  summary: string
}

export interface ChannelEvent {
  id: string
  at: string
  by: string
  action:
    | 'promote' | 'rollback' | 'canary_start' | 'canary_step' | 'canary_promote' | 'canary_rollback' | 'canary_abort'
  from: string | null
  to: string | null
  reason: string | null
  verdict: string | null
}

export interface Channel {
  name: string
  release: Release | null
  since: string | null
  by: string | null
  reason: string | null
  requires_gate?: boolean
  /** Changes with every decision; a write that names an older one is refused. */
  revision?: number
  canary: Canary | null
  history?: ChannelEvent[]
  undone?: unknown
}

export interface Look {
  at: string
  units: number | { baseline: number; candidate: number }
  difference: number | null
  ci: [number, number] | null
  metric?: string
  /** Every score of this look by its name; `difference` and `ci` are those of the first. */
  metrics?: Record<string, { difference: number | null; ci: [number, number] | null }>
}

export interface CanaryMetric {
  name: string
  n: { baseline: number; candidate: number }
  mean: { baseline: number | null; candidate: number | null }
  difference: number | null
  ci: [number, number] | null
  margin: number | null
  direction?: 'higher' | 'lower'
  decision: string | null
}

/** A bad event that units may meet, such as an error; `e` is the evidence that the candidate has more of it. */
export interface Guardrail {
  name: string
  margin: number | null
  decision: string | null
  /** These are missing until the first look. */
  n?: { baseline: number; candidate: number }
  events?: { baseline: number; candidate: number }
  rate?: { baseline: number | null; candidate: number | null }
  difference?: number | null
  e?: number | null
  alarm_at?: number | null
}

export interface Canary {
  id: string
  channel: string
  baseline: string
  candidate: string
  status: 'running' | 'promoted' | 'rolled_back' | 'aborted' | 'held'
  share: number
  step: number
  steps: number[]
  unit?: string
  alpha?: number
  started_at: string
  ended_at: string | null
  units: { baseline: number; candidate: number }
  min_units?: number | null
  max_units?: number | null
  srm_p: number | null
  metrics: CanaryMetric[]
  guardrails?: Guardrail[]
  looks: Look[]
  decision: { action: string; sentence: string; at: string } | null
  by: string
  reason: string | null
}

export interface Incident {
  id: string
  title: string
  status: 'open' | 'acknowledged' | 'resolved'
  severity: string
  opened_at: string
  kind: string
  subject: string | null
  sentence: string
  evidence: Record<string, unknown>
  actions: { label: string; method: string; path: string }[]
  timeline: { at: string; what: string; by: string | null }[]
}

export interface AuditEvent {
  id: string
  at: string
  actor: string
  action: string
  subject: string
  reason: string | null
  before: unknown
  after: unknown
  hash: string
}

export interface AuditVerification {
  ok: boolean
  checked: number
  head: string | null
  broken: { id: string; seq: number; why: string } | null
}

export interface Provider {
  name: string
  kind: string
  base_url: string
  key_env: string | null
}

export interface Key {
  id: string
  name: string | null
  role: Role
  public_key?: string | null
  created_at: string
  created_by?: string | null
  revoked_at?: string | null
  last_used_at: string | null
  /** Later than its creation for keys that are older than the noting of uses. */
  use_known_since: string
  secret?: string
}

/** RFC 9457, as every error of the API leaves the server. */
export interface ProblemDocument {
  type?: string
  title: string
  status: number
  code: string
  detail: string
  field?: string
  value?: unknown
  fix?: string
  request_id?: string
  /** From the header `Retry-After`. */
  retry_after_s?: number
}
