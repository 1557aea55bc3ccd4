import { queryOptions } from '@tanstack/react-query'
import { get, request } from './client'

/** The shapes of `docs/api/looking.md`. */

export interface Answer {
  columns: { name: string; type: string }[]
  rows: unknown[][]
  truncated: boolean
  elapsed_ms: number
}

export interface Table {
  name: string
  about: string
  columns: { name: string; type: string; about: string }[]
}

export interface Schema {
  tables: Table[]
  functions: string[]
  limits: { rows: number; seconds: number; characters: number }
}

export const schema = queryOptions({ queryKey: ['sql', 'schema'], queryFn: () => get<Schema>('/sql/schema'), staleTime: Infinity })

/** Asked once for each time somebody presses run; leaving the page stops the query. */
export const answer = (sql: string, asked: number) =>
  queryOptions({
    queryKey: ['sql', 'answer', sql, asked],
    queryFn: ({ signal }) => request<Answer>('POST', '/sql', { sql }, undefined, undefined, signal),
    enabled: sql.trim() !== '',
    staleTime: Infinity,
    retry: false,
    refetchOnWindowFocus: false,
  })
