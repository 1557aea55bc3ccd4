import { heard } from '@/lib/now'
import type { ProblemDocument } from './types'

export type Query = Record<string, string | number | boolean | string[] | null | undefined>

/** An answer that was not a success; `document` is the server's problem document, or one made of what is known. */
export class Problem extends Error {
  constructor(readonly document: ProblemDocument) {
    super(document.detail)
  }

  get status(): number {
    return this.document.status
  }
}

const API = '/api/v1'

/** A session's own requests have no caller to remember answers for; a query of SQL or a preview changes nothing. */
const UNREMEMBERED = new Set(['/session', '/sql', '/panels/query', '/dashboards/parse', '/monitors/preview', '/sampling/preview', '/retention/preview'])

/** Of a whole that is counted, or of its content; `0` is for what is not there yet. */
export type Revision = number | string

/**
 * `path` is below `/api/v1`, or a whole path of this server. With `revision` the change is refused where somebody else
 * was quicker. Raises `Problem`.
 */
export async function request<T>(method: string, path: string, body?: unknown, query?: Query, revision?: Revision, signal?: AbortSignal): Promise<T> {
  return (await answer<T>(method, path, body, query, revision, signal)).body
}

async function answer<T>(method: string, path: string, body?: unknown, query?: Query, revision?: Revision, signal?: AbortSignal): Promise<{ body: T; response: Response }> {
  const headers: Record<string, string> = { accept: 'application/json' }
  if (revision !== undefined) headers['if-match'] = `"${revision}"`
  if (body !== undefined) headers['content-type'] = 'application/json'
  if (method !== 'GET' && !UNREMEMBERED.has(path)) headers['idempotency-key'] = randomKey()
  let response: Response
  try {
    response = await fetch(address(path, query), {
      method,
      headers,
      credentials: 'same-origin',
      signal,
      body: body === undefined ? undefined : JSON.stringify(body),
    })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Problem(UNREACHABLE)
  }
  heard(response.headers.get('date'))
  if (!response.ok) throw new Problem(await problemOf(response))
  return { body: (response.status === 204 ? undefined : await response.json()) as T, response }
}

/** What two people may change: it comes with the revision that a change of it has to name. */
export type Tagged<T> = T & { revision: number }

/** As `get`, of what has an `ETag`. */
export async function getTagged<T>(path: string): Promise<Tagged<T>> {
  const { body, response } = await answer<T>('GET', path)
  return { ...body, revision: Number((response.headers.get('etag') ?? '').replace(/^W\/|"/g, '')) }
}

export const get = <T>(path: string, query?: Query) => request<T>('GET', path, undefined, query)
export const post = <T>(path: string, body: unknown = {}, revision?: number) => request<T>('POST', path, body, undefined, revision)

/** Whether anything is there; what else keeps it from being read is thrown. */
export const isThere = (path: string): Promise<boolean> =>
  get(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof Problem && error.status === 404) return false
      throw error
    },
  )

/** The path with its query; parameters without a value are left out, lists repeat. */
export function address(path: string, query: Query = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null || value === '') continue
    for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one))
  }
  const whole = path.startsWith(`${API}/`) ? path : API + path
  const text = search.toString()
  return text ? `${whole}?${text}` : whole
}

/** `crypto.randomUUID` is missing on plain HTTP, where the browser trusts only this machine's own address. */
function randomKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

async function problemOf(response: Response): Promise<ProblemDocument> {
  const requestId = response.headers.get('x-request-id') ?? undefined
  const after = Number(response.headers.get('retry-after')) || undefined
  try {
    const document = (await response.json()) as ProblemDocument
    return { ...document, status: response.status, request_id: document.request_id ?? requestId, retry_after_s: after }
  } catch {
    return {
      title: response.statusText || 'Error',
      status: response.status,
      code: 'unreadable',
      detail: `The server answered ${response.status} without saying why.`,
      request_id: requestId,
      retry_after_s: after,
    }
  }
}

/** The browser's own words for it (`Failed to fetch`) say nothing. */
const UNREACHABLE: ProblemDocument = {
  title: 'The server is not responding',
  status: 0,
  code: 'unreachable',
  detail: 'The server may be stopped or still starting, or the network between you and it may be down.',
  fix: 'Check that `assay up` is running. Nothing you typed has been lost.',
}
