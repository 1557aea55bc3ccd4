import type { ExportTarget } from '@/api/forwarding'

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
