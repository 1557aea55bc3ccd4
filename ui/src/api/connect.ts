import { queryOptions } from '@tanstack/react-query'
import { serverNow } from '@/lib/now'
import { get } from './client'
import type { List, TraceRow } from './types'

/** What to set in one client; `{key}` is filled in by the browser, so that no secret travels. */
export interface Client {
  client: string
  title: string
  language: string
  lines: string[]
}

export const clients = queryOptions({ queryKey: ['connect'], queryFn: () => get<List<Client>>('/connect'), staleTime: Infinity })
/** Until now: a trace dated into the future, by a clock that is fast, would stay the newest and hide what comes. */
export const newest = queryOptions({ queryKey: ['traces', 'newest'], queryFn: () => get<List<TraceRow>>('/traces', { limit: 1, until: new Date(serverNow() + 60_000).toISOString() }), refetchInterval: 2_000 })

const PLACES = /\{(key|url|grpc)\}/g

export const usesGrpc = (client: Client) => client.lines.some((line) => line.includes('{grpc}'))

/** The lines with what is known; an unknown key stays `sk_…`, for the reader to see where it belongs. */
export function filled(client: Client, key: string, origin: string, grpcPort: number): string {
  const host = new URL(origin).hostname
  const known: Record<string, string> = { key: key.trim() || 'sk_…', url: origin, grpc: `${new URL(origin).protocol}//${host}:${grpcPort}` }
  return client.lines.map((line) => line.replace(PLACES, (_, name: string) => known[name]!)).join('\n')
}
