import { queryOptions } from '@tanstack/react-query'
import { get, type Query } from './client'
import { pages } from './queries'
import type { Message, Score, TraceRow } from './types'

/** Sessions and users: the shapes of `docs/api/looking.md`. */

interface Sums {
  traces: number
  errors: number
  tokens: { input: number | null; output: number | null }
  cost: { usd: number | null; unknown: number }
}

export interface SessionRow extends Sums {
  session: string
  user: string | null
  start: string
  last: string
  input: string | null
  output: string | null
}

export interface Turn extends Omit<TraceRow, 'input' | 'output'> {
  input: Message[] | string | null
  output: Message[] | string | null
}

export interface Session extends SessionRow {
  turns: Turn[]
  more: boolean
  /** Of the session as a whole. */
  scores: Score[]
}

export interface UserRow extends Sums {
  user: string
  first: string
  last: string
  sessions: number
}

export interface User extends UserRow {
  days: { day: string; traces: number; errors: number; cost: Sums['cost'] }[]
  models: { model: string | null; calls: number; tokens: Sums['tokens']; cost: Sums['cost'] }[]
  recent: SessionRow[]
  scores: { name: string; n: number; mean: number | null }[]
}

export const sessions = (query: Query) => pages<SessionRow>('sessions', '/sessions', query)
/** By query, not by path: ids are whatever an application says, slashes and dots too. */
export const session = (id: string) =>
  queryOptions({ queryKey: ['sessions', 'one', id], queryFn: () => get<Session>('/sessions/one', { id }), refetchInterval: 10_000 })
export const users = (query: Query) => pages<UserRow>('users', '/users', query)
export const user = (id: string) => queryOptions({ queryKey: ['users', 'one', id], queryFn: () => get<User>('/users/one', { id }) })
