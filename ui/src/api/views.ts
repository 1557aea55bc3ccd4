import { queryOptions, useMutation, useQueryClient } from '@tanstack/react-query'
import type { Search } from '@/lib/search'
import { get, request } from './client'

/** The filters and columns of a page under a name, for everybody in the project. */
export interface View {
  name: string
  page: string
  query: Search
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

/** Saves a view; one that gets another name loses its old one after that, so that no failure loses both. */
export function useSaveView(onDone: (name: string) => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: async ({ name, page, query, was }: { name: string; page: string; query: Search; was?: string }) => {
      await request('PUT', at(name), { page, query })
      if (was !== undefined && was !== name) await request('DELETE', at(was))
      return name
    },
    onSettled: () => client.invalidateQueries({ queryKey: ['views'] }),
    onSuccess: onDone,
  })
}

export function useDeleteView() {
  const client = useQueryClient()
  return useMutation({ mutationFn: (name: string) => request('DELETE', at(name)), onSettled: () => client.invalidateQueries({ queryKey: ['views'] }) })
}
