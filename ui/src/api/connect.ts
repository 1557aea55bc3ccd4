import { queryOptions } from '@tanstack/react-query'
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
export const newest = queryOptions({ queryKey: ['traces', 'newest'], queryFn: () => get<List<TraceRow>>('/traces', { limit: 1 }), refetchInterval: 2_000 })

const PLACES = /\{(key|url|grpc)\}/g

/** The lines with what is known; an unknown key stays `sk_…`, for the reader to see where it belongs. */
export function filled(client: Client, key: string, origin: string): string {
  const host = new URL(origin).hostname
  const known: Record<string, string> = { key: key.trim() || 'sk_…', url: origin, grpc: `http://${host}:4317` }
  return client.lines.map((line) => line.replace(PLACES, (_, name: string) => known[name]!)).join('\n')
}
