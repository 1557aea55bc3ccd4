import type { Document } from '@/api/types'

/** When a document was last changed, where its metadata tells: the name of the field, and the time. */
export function changedAt(document: Document): { field: string; at: Date } | null {
  const told = document.metadata ?? {}
  for (const field of FIELDS) {
    const at = asTime(told[field])
    if (at) return { field, at }
  }
  return null
}

/** In the order in which they say how old the content is: a date of change before one of storing. */
const FIELDS = [
  'updated_at', 'updated', 'last_updated', 'last_modified', 'modified_at', 'modified', 'published_at', 'published', 'created_at', 'created',
  'date', 'timestamp', 'indexed_at', 'ingested_at',
]

/** `12 days`, `3 hours`: between two moments; null where the first is the later. */
export function age(from: Date, to: Date): string | null {
  const hours = (to.getTime() - from.getTime()) / 3_600_000
  if (hours < 0) return null
  if (hours < 1) return 'under an hour'
  if (hours < 48) return plural(Math.floor(hours), 'hour')
  const days = Math.floor(hours / 24)
  if (days < 90) return plural(days, 'day')
  return days < 730 ? plural(Math.round(days / 30.4), 'month') : plural(Math.floor(days / 365.25), 'year')
}

function asTime(value: unknown): Date | null {
  const found = typeof value === 'number' ? new Date(value > 1e11 ? value : value * 1000) : typeof value === 'string' && /^\d{4}-\d\d/.test(value) ? new Date(value) : null
  return found && !Number.isNaN(found.getTime()) ? found : null
}

const plural = (n: number, one: string) => `${n} ${one}${n === 1 ? '' : 's'}`
