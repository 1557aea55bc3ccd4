import { zone } from './format'

/** Times as they are typed, on the reader's clock. */

/** `2026-10-25T02:30`, as a field of the browser holds it; empty where there is no time. */
export function local(time: string | undefined): string {
  if (!time) return ''
  const at = new Date(time)
  return Number.isNaN(at.getTime()) ? '' : new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16)
}

/** Whether it is a day of the calendar: of a 31 February the browser would make one in March. */
export function isDay(text: string | undefined): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().slice(0, 10) === text
}

/** What is meant by a field. One that was not touched stays what it was: its seconds, and which of the two hours that a clock shows twice. */
export function chosen(typed: string, before: string | undefined): string | undefined {
  if (before && typed === local(before)) return before
  return typed ? new Date(typed).toISOString() : undefined
}

/** The offset of the reader's clock at what is typed, which in another season is not that of now. */
export const zoneOf = (typed: string) => zone(typed ? new Date(typed) : undefined)
