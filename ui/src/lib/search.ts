import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback } from 'react'

/** The address is the state: plain strings, so that a link is readable and can be shared. */
export type Search = Record<string, string | undefined>

export function parseSearch(text: string): Search {
  return Object.fromEntries(new URLSearchParams(text))
}

export function writeSearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined && value !== null && value !== '') params.set(name, String(value))
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

/** The page's search parameters and a way to change some of them; `replace` keeps them out of the history. */
export function useAddress(): [Search, (change: Search, replace?: boolean) => void] {
  const search = useSearch({ strict: false }) as Search
  const navigate = useNavigate()
  const change = useCallback(
    (next: Search, replace = false) =>
      void navigate({ to: '.', search: (old: Search) => ({ ...old, ...next }), replace } as Parameters<typeof navigate>[0]),
    [navigate],
  )
  return [search, change]
}
