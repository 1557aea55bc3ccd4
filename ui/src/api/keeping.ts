import { queryOptions } from '@tanstack/react-query'
import { get, getTagged, request } from './client'
import { pages } from './queries'
import type { List } from './types'

/** What is kept and what is let go: the shapes of `docs/api/keeping.md`. */

export interface RetentionRule {
  environment: string | null
  metadata_days: number | null
  text_days: number | null
  scores_days?: number | null
  runs_days?: number | null
}

export type Removed = Record<string, number | string | null>

export interface Pass {
  id: string
  status: 'running' | 'done' | 'failed'
  started_at: string
  ended_at: string | null
  removed: Removed
  longest_hold_ms: number | null
  error: string | null
}

export interface Retention {
  rules: RetentionRule[]
  updated_at: string | null
  updated_by: string | null
  applies_from: string | null
  next: string | null
  last: Pass | null
}

/** Of whom, or of what: a deletion is of one of both. */
export type Doomed = { user: string } | { trace_id: string }

export interface Found {
  user_hash: string | null
  trace_id: string | null
  found: Record<string, number>
  first: string | null
  last: string | null
  sessions: number
  held: { dataset: string; versions: number[]; items: string[] }[]
  copies: { backup: string; made_at: string; expires_at: string | null; where: string }[]
}

export interface Deletion {
  id: string
  status: 'queued' | 'running' | 'done' | 'failed'
  step: 'erasing' | 'rewriting' | 'verifying' | null
  /** Of a person; null of a trace, which is named. */
  user_hash: string | null
  trace_id: string | null
  reason: string
  found: Record<string, number>
  requested_at: string
  requested_by: string
  ended_at: string | null
  error: string | null
  /** What is still stored of it today. */
  remaining: Remains[]
  proof: string | null
}

export interface Remains {
  where: string
  why: string
  items?: string[]
  backup?: string
  expires_at?: string | null
}

export interface Backup {
  id: string
  status: 'running' | 'done' | 'failed'
  path: string | null
  made_at: string
  took_s: number | null
  bytes: number | null
  rows: Record<string, number> | null
  longest_hold_ms: number | null
  verified_at: string | null
  expires_at: string | null
  version: string | null
  error: string | null
}

const busy = (items: { status: string }[] | undefined) => (items?.some((one) => one.status === 'running' || one.status === 'queued') ? 2_000 : false) as number | false

export const retention = queryOptions({ queryKey: ['retention'], queryFn: () => getTagged<Retention>('/retention') })
export const retentionPreview = (rules: RetentionRule[] | null) =>
  queryOptions({ queryKey: ['retention', 'preview', rules], queryFn: () => request<Removed>('POST', '/retention/preview', { rules }), enabled: rules !== null, staleTime: 60_000, retry: false })
export const passes = () => pages<Pass>('retention/passes', '/retention/passes', {}, 20)

export const deletions = () => ({
  ...pages<Deletion>('deletions', '/deletions', {}, 20),
  refetchInterval: (query: { state: { data?: { pages: List<Deletion>[] } } }) => busy(query.state.data?.pages.flatMap((page) => page.items)),
})
export const searched = (of: Doomed, reason: string) => request<Found>('POST', '/deletions', { ...of, reason }, { dry_run: true })

export const backups = queryOptions({
  queryKey: ['backups'],
  queryFn: () => get<List<Backup>>('/backups'),
  retry: false,
  // A verification goes on beside a backup that is done.
  refetchInterval: (query) => busy(query.state.data?.items) || 8_000,
})
