import { keepPreviousData, queryOptions } from '@tanstack/react-query'
import { get, post } from './client'
import type { List } from './types'

/** The shapes of `docs/api/dashboards.md`. */

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

export interface Report {
  name: 'corrected_rate' | 'questions' | 'parameter'
  score?: string
  below?: number
  above?: number
  parameter?: string
}

export type Kind = 'line' | 'bar' | 'table' | 'number' | 'histogram'

export interface Panel {
  id: string
  title: string
  description?: string
  width: number
  kind?: Kind
  metrics?: Metric[]
  filter?: Record<string, string | string[]>
  group_by?: string | null
  top?: number
  sql?: string
  report?: Report
}

export interface Definition {
  title: string
  description: string
  range: string
  variables: string[]
  panels: Panel[]
}

export interface DashboardLine {
  name: string
  title: string
  description: string
  ready_made: boolean
  revision: number
  panels: number
  updated_at: string | null
  updated_by: string | null
}

export interface Dashboard extends Definition, Omit<DashboardLine, 'panels'> {
  yaml: string
}

export interface Figure {
  value: number | null
  n: number
  unknown: number
  ci: [number, number] | null
}

export type TraceWords = Record<string, string | string[]> | null

export interface Series {
  metric: number
  label: string
  unit: string
  group: string | null
  others: number
  total: Figure
  before: Figure | null
  values: (number | null)[]
  n: number[]
  unknown: number[]
  lower: (number | null)[]
  upper: (number | null)[]
  before_values: (number | null)[] | null
  traces: TraceWords
}

interface Answer {
  since: string
  until: string
  /** What the reader set and the panel cannot follow: variables, `compare`. */
  unused: string[]
  elapsed_ms: number
}

export interface SeriesAnswer extends Answer {
  type: 'series'
  bin_s: number | null
  starts: string[]
  groups: number
  series: Series[]
}

export interface Spread {
  label: string
  group: string | null
  others: number
  n: number
  unknown: number
  counts: number[]
  p50: number | null
  p95: number | null
  traces: TraceWords
}

export interface HistogramAnswer extends Answer {
  type: 'histogram'
  unit: string
  edges: number[]
  groups: number
  series: Spread[]
}

export interface RowsAnswer extends Answer {
  type: 'rows'
  columns: { name: string; type: string }[]
  rows: unknown[][]
  truncated: boolean
  bin_s: number
}

export interface CorrectedAnswer extends Answer {
  type: 'corrected_rate'
  score: string
  rate: { value: number | null; n: number; labels: number; ci: [number, number] } | null
  uncorrected: { value: number; n: number; ci: [number, number] } | null
  labels: number
  sentence: string
  bin_s: number
  starts: string[]
  values: (number | null)[]
  n: number[]
  lower: (number | null)[]
  upper: (number | null)[]
  traces: TraceWords
}

export interface Cluster {
  label: string
  n: number
  share: number
  ci: [number, number]
  users: number
  words: string[]
  examples: { text: string; trace_id: string }[]
}

export interface QuestionsAnswer extends Answer {
  type: 'questions'
  n: number
  sampled: number
  read: number
  method: string
  /** By words for now; in some seconds by meaning. */
  coming: boolean
  clusters: Cluster[]
  others: number
}

export interface ParameterAnswer extends Answer {
  type: 'parameter'
  parameter: string
  score: string
  n: number
  rows: { value: string; n: number; mean: number; ci: [number, number] | null }[]
  sentence: string
}

export type PanelAnswer = SeriesAnswer | HistogramAnswer | RowsAnswer | CorrectedAnswer | QuestionsAnswer | ParameterAnswer

export interface Words {
  metrics: { name: string; about: string; unit: string; shape: string; settings: string[] }[]
  buckets: string[]
  filters: string[]
  /** The filters that a reader may set. */
  variables: string[]
  groups: string[]
  kinds: Kind[]
  reports: Report['name'][]
  ranges: string[]
  widths: number[]
}

export interface Mark {
  at: string
  until: string | null
  kind: 'deployment' | 'canary' | 'incident'
  title: string
  path: string
}

/** What a dashboard looks at: times, and the variables that the reader set. */
export interface Scope {
  since: string
  until: string
  filter: Record<string, string>
}

export const at = (name: string) => `/dashboards/${encodeURIComponent(name)}`

export const dashboards = queryOptions({ queryKey: ['dashboards'], queryFn: () => get<List<DashboardLine>>('/dashboards') })
export const dashboard = (name: string) => queryOptions({ queryKey: ['dashboards', name], queryFn: () => get<Dashboard>(at(name)) })
export const words = queryOptions({ queryKey: ['panels', 'words'], queryFn: () => get<Words>('/panels/words'), staleTime: Infinity })
export const marks = (since: string, until: string) => queryOptions({ queryKey: ['marks', since, until], queryFn: () => get<List<Mark>>('/marks', { since, until }) })

/** What a panel shows, saved or not. Old figures stay while new ones are on their way. */
export const shown = (panel: Panel, scope: Scope, compare: boolean) =>
  queryOptions({
    queryKey: ['panels', panel, scope, compare],
    queryFn: () => post<PanelAnswer>('/panels/query', { panel, ...scope, compare }),
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.data?.type === 'questions' && query.state.data.coming ? 3_000 : false),
  })

/** What is saved: the definition without what the server adds. */
export function definitionOf({ title, description, range, variables, panels }: Definition): Definition {
  return { title, description, range, variables, panels }
}
