import { Link } from '@tanstack/react-router'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'
import type { Release } from '@/api/types'
import { shortId } from '@/lib/format'

/** Ids become names with a way to get there. */

export const releaseName = (release: Pick<Release, 'name' | 'version'>) => `${release.name} v${release.version}`

export function useReleaseName(id: string | null | undefined): string {
  const name = useReleaseNames(Boolean(id))
  return id ? name(id) : 'nothing'
}

/** What any release is called; a client's own word for one stays. */
export function useReleaseNames(enabled: boolean): (id: string) => string {
  const names = useQuery({ ...ask.releaseNames, enabled })
  return (id) => {
    const found = names.data?.items.find((one) => one.id === id)
    return found ? releaseName(found) : shortId(id)
  }
}

export function ReleaseLink({ id }: { id: string | null | undefined }) {
  const name = useReleaseName(id)
  if (!id) return <span className="quiet">none</span>
  return (
    <Link to="/releases/$releaseId" params={{ releaseId: id }} title={id}>
      {name}
    </Link>
  )
}

export function TraceLink({ id, span, children }: { id: string; span?: string; children?: React.ReactNode }) {
  return (
    <Link to="/traces/$traceId" params={{ traceId: id }} search={span ? { span } : {}} title={id} preload="intent">
      {children ?? shortId(id)}
    </Link>
  )
}

export function RunLink({ id }: { id: string }) {
  return (
    <Link to="/runs/$runId" params={{ runId: id }} title={id}>
      {shortId(id)}
    </Link>
  )
}
