import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { EQUAL } from './fields'
import { readTimes } from './range'

/** The address is the state: plain strings, so that a link is readable and can be shared. */
export type Search = Record<string, string | undefined>

/** Parameters that a link may say several times: each must hold, of values that are compared as they are one of them. */
const REPEATED: string[] = ['score', 'attribute', 'differs', 'exclude', 'trace_id', ...EQUAL]
const BETWEEN = '\u001f' // in no value that anybody writes

export function parseSearch(text: string): Search {
  const params = new URLSearchParams(text)
  return { ...Object.fromEntries(params), ...Object.fromEntries(REPEATED.filter((name) => params.has(name)).map((name) => [name, params.getAll(name).join(BETWEEN)])) }
}

/** All that an address says of a parameter; none where it says nothing. */
export const valuesOf = (search: Search, name: string): string[] => (search[name] ? (REPEATED.includes(name) ? search[name].split(BETWEEN) : [search[name]]) : [])

export function writeSearch(search: Record<string, unknown>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(search)) {
    if (value === undefined || value === null || value === '') continue
    for (const one of REPEATED.includes(name) ? String(value).split(BETWEEN) : [String(value)]) params.append(name, one)
  }
  const text = params.toString()
  return text ? `?${text}` : ''
}

/**
 * The page's search parameters, its times as pages know them, and a way to change some of them; `replace` keeps them out of the history. Nothing is
 * scrolled by that: the router would set all back to where it stood, also what has just gone to the row that was chosen.
 */
export function useAddress(): [Search, (change: Search, replace?: boolean) => void] {
  const asked = useSearch({ strict: false }) as Search
  const search = useMemo(() => (asked.range || asked.since || asked.until ? { ...asked, ...readTimes(asked).times } : asked), [asked])
  const navigate = useNavigate()
  const change = useCallback(
    (next: Search, replace = false) =>
      void navigate({ to: '.', search: (old: Search) => ({ ...old, ...next }), replace, resetScroll: false } as Parameters<typeof navigate>[0]),
    [navigate],
  )
  return [search, change]
}
