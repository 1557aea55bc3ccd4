import { queryOptions } from '@tanstack/react-query'
import { get, type Query, request } from './client'
import { pages } from './queries'
import type { List } from './types'

/** The shapes of `docs/api/monitors.md`. */

export type MonitorStatus = 'ok' | 'alarm' | 'unknown' | 'off'

export interface Metric {
  name: string
  quantile?: number
  threshold_ms?: number
  score?: string
  source?: string
  bucket?: string
  below?: number
  above?: number
}

export type Rule =
  | { kind: 'threshold'; above?: number; below?: number }
  | { kind: 'change'; change: number; direction: 'up' | 'down' | 'both'; false_alarms_per_year?: number; days?: number; time_zone?: string }
  | { kind: 'missing'; min_count?: number }
  | { kind: 'burn'; objective: number; days?: number }

export interface Definition {
  name: string
  metric: Metric
  filter: Record<string, string | string[]>
  group_by: string | null
  rule: Rule
  window_s?: number
  every_s?: number
  min_n?: number
  severity: 'warning' | 'critical'
  notify: string[] | null
  enabled: boolean
  description: string
}

export interface Finding {
  group: string | null
  status: MonitorStatus
  n: number
  value: number | null
  expected: number | null
  bound: number | null
  unit: string
  window: { since: string; until: string }
  sentence: string
}

export interface Monitor extends Required<Definition> {
  id: string
  revision: string
  ready_made: boolean
  status: MonitorStatus
  states: { group: string | null; status: MonitorStatus; since: string; incident: string | null; finding: Finding | null }[]
  evaluated_at: string | null
  next_at: string
  missed: number
  silenced_until: string | null
  created_at: string
  created_by: string
}

export interface Evaluation {
  at: string
  late_s: number
  findings: Finding[]
}

/** What a monitor would have said: `looks` evenly spaced moments between `since` and `until`. */
export interface Rehearsal {
  findings: Finding[]
  since: string
  until: string
  looks: number
  blind: number
  fired: number
  fires: { at: string; until: string | null; finding: Finding }[]
  courses: Course[]
}

/** What was seen of a group at each look, oldest first. */
export interface Course {
  group: string | null
  unit: string
  points: ({ at: string } & Pick<Finding, 'status' | 'n' | 'value' | 'expected' | 'bound'>)[]
}

/** On some days of the week, from one time of day to another, by the clocks of one place. */
export interface Repeats {
  days: string[]
  from: string
  until: string
  time_zone: string
}

export interface Silence {
  id: string
  subject: string | null
  starts_at: string
  ends_at: string | null
  repeats: Repeats | null
  silent_until: string | null
  next_at: string | null
  reason: string
  by: string
}

export interface NotificationChannel {
  id: string
  name: string
  service: string
  address: string
  enabled: boolean
  created_at: string
  created_by: string
  last_sent_at: string | null
  last_error: string | null
}

export interface Notice {
  id: string
  channel: string
  incident: string | null
  event: 'opened' | 'resolved'
  title: string
  status: 'waiting' | 'sent' | 'failed' | 'dropped'
  attempts: number
  next_at: string | null
  sent_at: string | null
  error: string | null
  created_at: string
}

const at = (ref: string) => `/monitors/${encodeURIComponent(ref)}`

export const monitors = queryOptions({ queryKey: ['monitors'], queryFn: () => get<List<Monitor>>('/monitors'), refetchInterval: 12_000 })
export const monitor = (ref: string) => queryOptions({ queryKey: ['monitors', ref], queryFn: () => get<Monitor>(at(ref)), refetchInterval: 12_000 })
export const evaluations = (ref: string) =>
  queryOptions({ queryKey: ['monitors', ref, 'evaluations'], queryFn: () => get<List<Evaluation>>(`${at(ref)}/evaluations`, { limit: 30 }), refetchInterval: 12_000 })
export const past = (ref: string) => queryOptions({ queryKey: ['monitors', ref, 'past'], queryFn: () => get<Rehearsal>(`${at(ref)}/past`), staleTime: 300_000 })
export const rehearsal = (definition: Definition | null) =>
  queryOptions({
    queryKey: ['monitors', 'preview', definition],
    // Its name is of no matter to what it sees, but must be one.
    queryFn: ({ signal }) => request<Rehearsal>('POST', '/monitors/preview', { ...definition, name: 'preview', notify: null }, undefined, undefined, signal),
    enabled: definition !== null,
    staleTime: 60_000,
    retry: false,
    placeholderData: (old) => old,
  })
export const silences = (past: boolean) => queryOptions({ queryKey: ['silences', past], queryFn: () => get<List<Silence>>('/silences', { past }), refetchInterval: 30_000 })
export const channels = queryOptions({ queryKey: ['notification-channels'], queryFn: () => get<List<NotificationChannel>>('/notification-channels') })
export const notices = (query: Query) => pages<Notice>('notifications', '/notifications', query)

/** What is sent to change a monitor: its definition without what the server adds. */
export function definitionOf(monitor: Monitor): Definition {
  const { name, metric, filter, group_by, rule, window_s, every_s, min_n, severity, notify, enabled, description } = monitor
  return { name, metric, filter, group_by, rule, window_s, every_s, min_n, severity, notify, enabled, description }
}
