import type { ExportTarget } from '@/api/forwarding'
import { type Held, SEARCH } from './match'

/** Where files go: `s3://bucket/prefix`, or a folder of the server. */
export function placeOf(target: ExportTarget): string {
  return target.s3 === undefined ? (target.folder ?? '') : `s3://${target.s3}`
}

/** Filters of each kind of export, which are those of the list of the same name. */
export const EXPORT_FILTERS: Record<string, string[]> = {
  traces: ['model', 'provider', 'user', 'session', 'status', 'kind', 'name', 'service', 'release', 'channel', 'arm', 'run', 'environment', 'tag', 'feature', 'tenant', 'cost_center', 'prompt', 'prompt_version', 'error_type', 'endpoint', 'search'],
  spans: ['kind', 'name', 'model', 'status', 'release', 'run', 'user', 'session', 'service', 'environment'],
  scores: ['name', 'run', 'source'],
}

/** Of traces a field may have several values, as in their list, but one line of it; other lists take one. */
export const takesSeveral = (what: string, field: string) => what === 'traces' && field !== SEARCH

/** As it is sent: a text, or several; what a list does not take it refuses itself. */
export function filterOf(held: Held[]): Record<string, string | string[]> {
  return Object.fromEntries(held.filter((one) => one.values.length > 0).map((one) => [one.field, one.values.length === 1 ? one.values[0]! : one.values]))
}
