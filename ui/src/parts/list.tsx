import { Button } from '@mantine/core'
import { type InfiniteData, useInfiniteQuery, type UseInfiniteQueryOptions, type UseInfiniteQueryResult } from '@tanstack/react-query'
import { type ReactNode, useCallback, useMemo } from 'react'
import type { List } from '@/api/types'
import { plural } from '@/lib/format'
import { ProblemNote, Skeleton } from './states'

export interface Pages<T> {
  query: UseInfiniteQueryResult<InfiniteData<List<T>>>
  rows: T[]
  total: number
  /** The newest page as it was answered, with what stands beside its items. */
  first: List<T> | undefined
  more: () => void
}

/** A list of the API as rows, its pages joined. */
export function usePages<T>(options: unknown): Pages<T> {
  const query = useInfiniteQuery(
    options as UseInfiniteQueryOptions<List<T>, Error, InfiniteData<List<T>>, readonly unknown[], string | null>,
  )
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.items) ?? [], [query.data])
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = query
  const more = useCallback(() => {
    if (hasNextPage && !isFetchingNextPage) void fetchNextPage()
  }, [hasNextPage, isFetchingNextPage, fetchNextPage])
  const first = query.data?.pages[0]
  return { query, rows, total: first?.total ?? 0, first, more }
}

/** Skeleton, problem, empty or the rows: in this order, and old rows stay while new ones load. */
export function Listed<T>({ pages, empty, children }: { pages: Pages<T>; empty: ReactNode; children: (rows: T[]) => ReactNode }) {
  const { query, rows } = pages
  if (query.data === undefined) {
    return query.isError ? <ProblemNote error={query.error} retry={() => void query.refetch()} /> : <Skeleton lines={8} />
  }
  return (
    <>
      {query.isError && <ProblemNote error={query.error} retry={() => void query.refetch()} />}
      {rows.length === 0 ? empty : children(rows)}
    </>
  )
}

/** For lists that do not scroll by themselves: how many there are, and the rest on demand. */
export function More<T>({ pages, noun, many }: { pages: Pages<T>; noun: string; many?: string }) {
  const { query, rows, total } = pages
  return (
    <div className="line quiet small" style={{ paddingTop: '0.6rem' }}>
      {rows.length < total ? `${rows.length} of ${plural(total, noun, many)}` : plural(total, noun, many)}
      {query.hasNextPage && (
        <Button variant="default" size="compact-xs" loading={query.isFetchingNextPage} onClick={pages.more}>Show more</Button>
      )}
    </div>
  )
}
