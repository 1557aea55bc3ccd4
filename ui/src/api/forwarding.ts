import { queryOptions } from '@tanstack/react-query'
import { get, getTagged, request } from './client'
import { pages } from './queries'
import type { List } from './types'

/** Quotas, sampling, scheduled exports, forwarding: the shapes of `docs/api/forwarding.md`. */

export type Quota = 'spans_per_day' | 'bytes_per_day' | 'spans_per_month' | 'bytes_per_month'
export type Match = Record<string, string | string[]>

export interface Quotas {
  limits: Record<Quota, number | null>
  warn_at: number
  use: { quota: Quota; limit: number | null; used: number; share: number | null; state: 'open' | 'warning' | 'reached'; resets_at: string; refused: number }[]
  updated_at: string | null
  updated_by: string | null
}

export interface IntakeDay {
  day: string
  spans: number
  bytes: number
  refused: number
  sampled_out: number
  dropped: number
}

export interface SamplingRule {
  name: string
  match: Match
  action: 'keep' | 'sample' | 'drop'
  rate?: number
}

export interface Tail {
  share: number
  quiet_s: number
  patience_s: number
  errors: boolean
  slower_than_ms: number | null
  slower_than_quantile: number | null
  flagged: boolean
}

export interface Policy {
  rules: SamplingRule[]
  tail: Tail | null
}

export interface Sampling extends Policy {
  updated_at: string | null
  updated_by: string | null
  waiting: { spans: number; traces: number }
}

export interface Flags {
  checks: string[]
  share: number
  available: string[]
  today: { scored: number; skipped: number; dropped: number }
  updated_at: string | null
  updated_by: string | null
}

export interface SamplingPreview {
  since: string
  until: string
  spans: number
  of?: number
  traces: number
  kept_content: number
  sampled_out: number
  dropped: number
  /** Of these, what sums of costs would have lacked. */
  lacking: { calls: number; cost: { usd: number | null; unknown: number } } | null
  by_rule: { rule: string; action: string; spans: number }[]
  bytes: { content: number; saved: number }
}

export interface ExportTarget {
  folder?: string
  s3?: string
  region?: string
  endpoint?: string
  key_env?: string
  secret_env?: string
}

export interface ExportRun {
  window_start: string
  window_end: string
  status: 'done' | 'failed' | 'running'
  rows: number | null
  bytes: number | null
  file: string | null
  error: string | null
  attempts: number
  started_at: string | null
  ended_at: string | null
  late_s: number | null
}

export interface ExportDefinition {
  name: string
  what: 'traces' | 'spans' | 'scores'
  filter: Match
  format: 'parquet' | 'csv' | 'jsonl'
  every: 'hour' | 'day' | 'week'
  target: ExportTarget
  enabled: boolean
}

export interface ScheduledExport extends ExportDefinition {
  id: string
  revision: string
  next_at: string | null
  last: ExportRun | null
  created_at: string
  created_by: string
}

export interface ForwardDefinition {
  endpoint: string
  headers: Record<string, string>
  filter: Match
  share: number
  enabled: boolean
  /** `logs` beside `traces`: log records go, too. */
  signals: string[]
}

export interface Forward extends ForwardDefinition {
  name: string
  revision: string
  state: 'ok' | 'retrying' | 'off'
  waiting: number
  oldest_at: string | null
  sent: number
  rejected: number
  last_sent_at: string | null
  last_error: string | null
  next_try_at: string | null
}

export const quotas = queryOptions({ queryKey: ['quotas'], queryFn: () => getTagged<Quotas>('/quotas'), refetchInterval: 15_000 })
export const intakeDays = queryOptions({ queryKey: ['quotas', 'days'], queryFn: () => get<{ items: IntakeDay[] }>('/quotas/days', { days: 30 }) })
export const sampling = queryOptions({ queryKey: ['sampling'], queryFn: () => getTagged<Sampling>('/sampling') })
export const flags = queryOptions({ queryKey: ['flags'], queryFn: () => getTagged<Flags>('/flags'), refetchInterval: 15_000 })
export const samplingPreview = (policy: Policy | null) =>
  queryOptions({ queryKey: ['sampling', 'preview', policy], queryFn: () => request<SamplingPreview>('POST', '/sampling/preview', policy), enabled: policy !== null, staleTime: 60_000, retry: false, placeholderData: (old) => old })
export const exports = queryOptions({ queryKey: ['exports'], queryFn: () => get<List<ScheduledExport>>('/exports'), refetchInterval: 10_000 })
export const exportRuns = (id: string) => pages<ExportRun>(`exports/${id}/runs`, `/exports/${encodeURIComponent(id)}/runs`, {}, 20)
export const forwards = queryOptions({ queryKey: ['forwards'], queryFn: () => get<List<Forward>>('/forwards'), refetchInterval: 5_000 })
