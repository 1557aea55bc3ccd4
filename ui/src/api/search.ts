import { queryOptions } from '@tanstack/react-query'
import { get, type Query } from './client'
import { pages } from './queries'
import type { Facet, List, TraceRow } from './types'

/** Searching traces: the shapes of `docs/api/search.md`. */

export interface SearchState {
  state: 'ready' | 'building'
  /** Rows that are stored and not in the index yet, and the age of the oldest of them. */
  behind: { rows: number; seconds: number }
}

export interface Found extends List<TraceRow> {
  total_is?: 'exact' | 'at_least'
  /** Where not all that match were sorted: among how many of the newest. */
  sorted_among?: number | null
  /** How far the index of words is, where words were asked for. */
  text?: SearchState | null
}

export const found = (query: Query) => pages<TraceRow>('traces', '/traces', query)

/** What a line says, part by part; the error of one that cannot be read is told at the line. */
export const parsed = (q: string) => queryOptions({ queryKey: ['search', 'parse', q], queryFn: () => get<{ parts: { field: string }[] }>('/search/parse', { q }), staleTime: Infinity, retry: false })

/** Whether the values of a field are listed; of few others they are known, of an endpoint they are not. */
export const isListed = (field: string) => !field.includes(':') && !['endpoint', 'status', 'arm'].includes(field)

/** The values a field has; fields that this server does not count have none to offer. */
export const values = (field: string) =>
  queryOptions({ queryKey: ['facets', field], queryFn: () => get<List<Facet>>('/facets', { field }), staleTime: 30_000, retry: false })
