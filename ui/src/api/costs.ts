import { queryOptions } from '@tanstack/react-query'
import { get, type Query } from './client'
import type { List, Tokens } from './types'

/** The shapes of `docs/api/costs.md`. Money is US dollars; `unknown` counts the calls that nobody could price. */

export interface Spent {
  usd: number | null
  unknown: number
}

export interface Amount {
  calls: number
  cost: Spent
  tokens: Tokens
}

export interface CostGroup extends Amount {
  value: string | null
  share: number | null
  bins?: (Amount & { start: string })[]
}

export interface Breakdown {
  since: string
  until: string
  group_by: string | null
  total: Amount
  items: CostGroup[]
  others: Amount & { groups: number; bins?: CostGroup['bins'] }
  overlapping: boolean
  unmetered: number
  /** Until when retention took away calls of the window, or some of them. */
  removed_before: string | null
  /** What rules of sampling dropped in that time, of the whole project. */
  dropped: { calls: number; cost: Spent; tokens: number } | null
}

interface Band {
  usd: number
  lower: number
  upper: number
}

export interface Forecast {
  history: { day: string; usd: number }[]
  forecast: (Band & { day: string })[]
  total: Band | null
  level: number
  trend_per_week: number | null
  backtest: { coverage: number | null; n: number; error: number | null } | null
  sentence: string
  unknown: number
}

export interface Driver {
  term: string
  provider: string | null
  model: string | null
  name: string | null
  usd: number
  sentence: string
}

export interface Why {
  day: string
  against: string
  cost: { before: Spent; after: Spent; change: number | null; relative: number | null }
  calls: { before: number; after: number }
  terms: { term: string; usd: number; share: number | null; sentence: string }[]
  drivers: Driver[]
  sentence: string
}

export interface Savings {
  cost: Spent
  calls: number
  caching: {
    ttl_s: number
    calls: number
    looked_at: number
    unread: number
    saved: Spent
    share: number | null
    top: { model: string | null; name: string | null; times: number; usd: number | null; preview: string | null }[]
    sentence: string
  }
  cheaper: { model: string; under: number; calls: number; usd_now: number | null; usd_then: number | null; saved: Spent; sentence: string } | null
  prefix: {
    calls: number
    sampled: number
    share: number | null
    tokens: number | null
    saved_by_prefix_cache: Spent
    saved_per_tenth: Spent
    groups: { model: string | null; name: string | null; calls: number; share: number | null; tokens_per_call: number | null; usd: number | null }[]
    sentence: string
  }
}

export interface Price {
  id: string
  revision: string
  model: string
  provider: string | null
  input: number | null
  output: number | null
  cache_read: number | null
  cache_write: number | null
  reasoning: number | null
  request: number | null
  batch: number | null
  tiers: ({ over: number } & Partial<Record<'input' | 'output' | 'cache_read' | 'cache_write' | 'reasoning', number>>)[]
  valid_from: string | null
  created_at: string
  created_by: string | null
}

export interface Unpriced {
  provider: string | null
  model: string | null
  calls: number
  tokens: Tokens
  first_seen: string
  last_seen: string
  /** What other calls of it cost; null where it has no price at all. */
  others: { source: string; rates: Partial<Record<'input' | 'output' | 'cache_read' | 'cache_write' | 'reasoning' | 'request', number | null>> } | null
}

export interface Repricing {
  id: string
  status: 'queued' | 'running' | 'done'
  model: string
  calls: number | null
  created_at: string
  ended_at: string | null
}

const stale = { staleTime: 30_000 }

export const breakdown = (query: Query) =>
  queryOptions({ queryKey: ['costs', 'breakdown', query], queryFn: () => get<Breakdown>('/costs', query), ...stale, placeholderData: (old) => old })
export const forecast = (query: Query) =>
  queryOptions({ queryKey: ['costs', 'forecast', query], queryFn: () => get<Forecast>('/costs/forecast', query), ...stale })
export const why = (query: Query) =>
  queryOptions({ queryKey: ['costs', 'why', query], queryFn: () => get<Why>('/costs/why', query), ...stale })
export const savings = (query: Query) =>
  queryOptions({ queryKey: ['costs', 'savings', query], queryFn: () => get<Savings>('/costs/savings', query), ...stale })
export const prices = queryOptions({ queryKey: ['prices'], queryFn: () => get<List<Price>>('/prices') })
export const unpriced = (query: Query) =>
  queryOptions({ queryKey: ['unpriced', query], queryFn: () => get<List<Unpriced>>('/models/unpriced', query) })
export const repricings = queryOptions({
  queryKey: ['repricings'],
  queryFn: () => get<List<Repricing>>('/repricings'),
  refetchInterval: (query) => (query.state.data?.items.some((one) => one.status !== 'done') ? 2_000 : false),
})
