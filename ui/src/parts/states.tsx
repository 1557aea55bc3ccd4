import { Button } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { type ReactNode, useEffect } from 'react'
import { Problem } from '@/api/client'
import { plural } from '@/lib/format'
import { plain } from '@/lib/text'
import { Copy } from './copy'

/** What stands where data will be: a skeleton of its shape, an error that helps, an empty state that teaches. */

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children}
    </div>
  )
}

export function Waiting({ children }: { children: ReactNode }) {
  return (
    <span className="waiting" role="status">
      <span className="pulse" aria-hidden />
      {children}
    </span>
  )
}

export function ProblemNote({ error, retry }: { error: unknown; retry?: () => void }) {
  const document = error instanceof Problem ? error.document : null
  const after = useAgain(error, retry)
  return (
    <div className="problem" role="alert">
      <strong>{document?.title ?? 'Something went wrong on this page'}</strong>
      <span>{document?.detail ?? (error instanceof Error ? error.message : String(error))}</span>
      {document?.fix && <span className="second">What to do: {document.fix}</span>}
      {document && (document.field !== undefined || document.request_id) && (
        <dl>
          {document.field !== undefined && (
            <>
              <dt>Field</dt>
              <dd>
                <code>{document.field}</code>
                {document.value !== undefined && document.value !== null && <> = <code>{plain(document.value)}</code></>}
              </dd>
            </>
          )}
          {document.request_id && (
            <>
              <dt>Request</dt>
              <dd className="line tight">
                <code>{document.request_id}</code> <Copy text={document.request_id} label="Copy the request id" />
              </dd>
            </>
          )}
        </dl>
      )}
      {retry && (
        <div className="line">
          <Button variant="default" onClick={retry}>Try again</Button>
          {after !== null && <span className="quiet small">Retrying automatically after {plural(after, 'second')}.</span>}
        </div>
      )}
    </div>
  )
}

const AGAIN_S = 5
/** Nobody answers, too much at once, a server that is busy or starting: what passes by itself. */
const PASSES = new Set([0, 429, 502, 503, 504])

/** Asks again after what the server said, or a few seconds, where time alone may help; the seconds, or null. */
function useAgain(error: unknown, retry: (() => void) | undefined): number | null {
  const passes = retry !== undefined && error instanceof Problem && PASSES.has(error.status)
  const after = passes ? (error.document.retry_after_s ?? AGAIN_S) : null
  useEffect(() => {
    if (after === null) return
    const timer = setTimeout(() => retry?.(), after * 1000)
    return () => clearTimeout(timer)
  }, [error]) // not `retry`: it is made anew with each drawing
  return after
}

export function Skeleton({ lines = 6 }: { lines?: number }) {
  return (
    <div className="stack" role="progressbar" aria-busy="true" aria-label="Loading">
      {Array.from({ length: lines }, (_, i) => (
        <div key={i} className="skeleton" style={{ width: `${92 - ((i * 29) % 47)}%` }} />
      ))}
      <span className="quiet small late" aria-hidden>Still loading. A shorter time range is faster.</span>
    </div>
  )
}

/** The data when it is there; old data stays while new loads, and an error beside it does not take it away. */
export function Loaded<T>({ query, children, lines }: { query: UseQueryResult<T>; children: (data: T) => ReactNode; lines?: number }) {
  if (query.data === undefined) {
    return query.isError ? <ProblemNote error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={lines} />
  }
  return (
    <>
      {query.isError && <ProblemNote error={query.error} retry={() => void query.refetch()} />}
      {children(query.data)}
    </>
  )
}
