import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query'
import { lost } from '@/lib/lost'
import { get, type Query } from './client'
import type {
  AuditEvent, AuditVerification, Canary, Channel, CheckInfo, Comparison, Dataset, DatasetItem, Facet, Incident, Info, Key, List,
  Provider, Release, ReleaseDiff, Run, RunItem, Trace, TraceRow, Verdict,
} from './types'

/** One place for what is asked of the server, how it is cached and how often it is asked again. */

const at = (ref: string) => encodeURIComponent(ref)
const LIVE = 4_000

export const info = queryOptions({ queryKey: ['info'], queryFn: ({ client }) => whoWeAre(client), staleTime: 60_000 })

/** Where a session ended under an open page, who we were stays until somebody signs in again: what is typed there is kept. */
async function whoWeAre(client: QueryClient): Promise<Info> {
  const now = await get<Info>('/info')
  const before = client.getQueryData<Info>(['info']) // whoever signs out by the button is forgotten before this
  const ended = Boolean(before?.actor) && now.actor === null
  lost.set(ended)
  return ended ? before! : now
}

export function pages<T>(key: string, path: string, query: Query = {}, limit = 100) {
  return infiniteQueryOptions({
    queryKey: [key, 'list', query],
    queryFn: ({ pageParam }) => get<List<T>>(path, { ...query, limit, cursor: pageParam }),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  })
}

export const traces = (query: Query) => pages<TraceRow>('traces', '/traces', query)
export const trace = (id: string) =>
  queryOptions({ queryKey: ['traces', id], queryFn: () => get<Trace>(`/traces/${at(id)}`), staleTime: 15_000 })
export const facets = (field: string) =>
  queryOptions({ queryKey: ['facets', field], queryFn: () => get<List<Facet>>('/facets', { field }), staleTime: 30_000 })

export const datasets = () => pages<Dataset>('datasets', '/datasets')
/** All versions of a dataset, newest first. */
export const dataset = (name: string) =>
  queryOptions({
    queryKey: ['datasets', name],
    queryFn: async () => (await get<Dataset & { versions: Dataset[] }>(`/datasets/${at(name)}`)).versions,
  })
export const datasetItems = (name: string, version: number | undefined) =>
  pages<DatasetItem>(`datasets/${name}/items`, `/datasets/${at(name)}/items`, { version })

export const runs = () => ({
  ...pages<Run>('runs', '/runs'),
  refetchInterval: (query: { state: { data?: { pages: List<Run>[] } } }) =>
    query.state.data?.pages.some((page) => page.items.some(isGoing)) ? LIVE : (false as const),
})
export const run = (id: string) =>
  queryOptions({
    queryKey: ['runs', id],
    queryFn: () => get<Run>(`/runs/${at(id)}`),
    refetchInterval: (query) => (query.state.data && isGoing(query.state.data) ? LIVE / 2 : false),
  })
export const recentRuns = queryOptions({
  queryKey: ['runs', 'recent'],
  queryFn: () => get<List<Run>>('/runs', { limit: 50 }),
  staleTime: 10_000,
})
export const runItems = (id: string) => pages<RunItem>(`runs/${id}/items`, `/runs/${at(id)}/items`, {}, 200)
export const comparison = (a: string, b: string) =>
  queryOptions({ queryKey: ['runs', a, 'compare', b], queryFn: () => get<Comparison>(`/runs/${at(a)}/compare/${at(b)}`) })
export const verdicts = (query: Query = {}) =>
  queryOptions({ queryKey: ['verdicts', query], queryFn: () => get<List<Verdict>>('/verdicts', { ...query, limit: 200 }) })
export const verdict = (id: string) =>
  queryOptions({ queryKey: ['verdicts', id], queryFn: () => get<Verdict>(`/verdicts/${at(id)}`), staleTime: Infinity })

export const releases = () => pages<Release>('releases', '/releases')
/** The newest releases, to write names where only ids are known. */
export const releaseNames = queryOptions({
  queryKey: ['releases', 'names'],
  queryFn: () => get<List<Release>>('/releases', { limit: 200 }),
  staleTime: 20_000,
})
export const release = (ref: string) =>
  queryOptions({ queryKey: ['releases', ref], queryFn: () => get<Release>(`/releases/${at(ref)}`) })
export const releaseDiff = (from: string, to: string) =>
  queryOptions({
    queryKey: ['releases', from, 'diff', to],
    queryFn: () => get<ReleaseDiff>(`/releases/${at(from)}/diff`, { to }),
    staleTime: Infinity,
  })

export const channels = queryOptions({
  queryKey: ['channels'],
  queryFn: () => get<List<Channel>>('/channels'),
  refetchInterval: LIVE * 3,
})
export const channel = (name: string) =>
  queryOptions({
    queryKey: ['channels', name],
    queryFn: () => get<Channel>(`/channels/${at(name)}`),
    refetchInterval: LIVE * 2,
  })

export const canaries = (query: Query = {}) => ({
  ...pages<Canary>('canaries', '/canaries', query),
  refetchInterval: LIVE * 2,
})
export const canary = (id: string) =>
  queryOptions({
    queryKey: ['canaries', id],
    queryFn: () => get<Canary>(`/canaries/${at(id)}`),
    refetchInterval: (query) => (query.state.data?.status === 'running' ? LIVE : false),
  })

export const incidents = (query: Query = {}) => ({
  ...pages<Incident>('incidents', '/incidents', query),
  refetchInterval: LIVE * 3,
})
export const openIncidents = queryOptions({
  queryKey: ['incidents', 'open'],
  queryFn: () => get<List<Incident>>('/incidents', { status: 'open', limit: 1 }),
  refetchInterval: LIVE * 3,
})
export const incident = (id: string) =>
  queryOptions({ queryKey: ['incidents', id], queryFn: () => get<Incident>(`/incidents/${at(id)}`) })

export const audit = (query: Query) => pages<AuditEvent>('audit', '/audit', query)
export const auditVerification = queryOptions({
  queryKey: ['audit', 'verify'],
  queryFn: () => get<AuditVerification>('/audit/verify'),
  enabled: false,
})
export const checks = queryOptions({ queryKey: ['checks'], queryFn: () => get<List<CheckInfo>>('/checks'), staleTime: Infinity })
export const providers = queryOptions({ queryKey: ['providers'], queryFn: () => get<List<Provider>>('/providers') })
export const keyNames = queryOptions({ queryKey: ['keys', 'names'], queryFn: () => get<List<Pick<Key, 'id' | 'name'>>>('/keys/names'), staleTime: 300_000 })
export const keys = queryOptions({ queryKey: ['keys'], queryFn: () => get<List<Key>>('/keys') })

const isGoing = (one: Run) => one.status === 'queued' || one.status === 'running'
