import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import type { Search } from '@/lib/search'
import { get, request } from './client'

/** The filters and columns of a page under a name, for everybody in the project. */
export interface View {
  name: string
  page: string
  query: Search
  revision: string
  updated_at: string
  updated_by: string
}

export const views = (page: string) =>
  queryOptions({
    queryKey: ['views'],
    queryFn: () => get<{ items: View[] }>('/views'),
    staleTime: 30_000,
    select: ({ items }) => items.filter((view) => view.page === page),
  })

const at = (name: string) => `/views/${encodeURIComponent(name)}`

/** As it is listed: who saves over a view, or takes it away, has seen it so. */
export type Seen = Pick<View, 'name' | 'revision'>

interface Saving {
  name: string
  page: string
  query: Search
  /** Of this name, where there is one already. */
  over?: Seen
  was?: Seen
}

/** Saves a view; one that gets another name loses its old one after that, so that no failure loses both. */
export function useSaveView(onDone: (name: string) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async ({ name, page, query, over, was }: Saving) => {
      await request('PUT', at(name), { page, query }, undefined, over?.revision ?? '0')
      if (was !== undefined && was.name !== name) await request('DELETE', at(was.name), undefined, undefined, was.revision)
      return name
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['views'] }),
    onSuccess: onDone,
  })
}

export function useDeleteView() {
  const client = useQueryClient()
  return useMutation({ mutationFn: (view: Seen) => request('DELETE', at(view.name), undefined, undefined, view.revision), onSettled: () => client.invalidateQueries({ queryKey: ['views'] }) })
}
