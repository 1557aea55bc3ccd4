import type { Search } from './search'

/** The list of traces that was looked at last, so that a trace leads on to the next one and back to what narrowed it. Of this tab, until it is loaded anew. */
let list: { ids: string[]; search: Search } = { ids: [], search: {} }

export const remember = (ids: string[], search: Search): void => {
  list = { ids, search }
}

export interface Place {
  /** How it was narrowed. */
  search: Search
  /** Counted from 1. */
  at: number
  of: number
  before: string | undefined
  after: string | undefined
}

/** Where a trace stands in that list; null where it does not. */
export function placeOf(id: string): Place | null {
  const at = list.ids.indexOf(id)
  if (at < 0) return null
  return { search: list.search, at: at + 1, of: list.ids.length, before: list.ids[at - 1], after: list.ids[at + 1] }
}
