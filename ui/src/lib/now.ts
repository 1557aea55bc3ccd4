/** What time it is on the server: a reader's clock may be hours off, and "the last hour" is that of what is stored. */

const NEAR_MS = 5_000 // an answer takes a while, and says whole seconds

let apart = 0 // milliseconds that the server is ahead of the reader

/** Each answer of the server says when it was given. */
export function heard(date: string | null, now = Date.now()) {
  const there = date === null ? NaN : Date.parse(date)
  if (Number.isNaN(there)) return
  const difference = there - now
  apart = Math.abs(difference) < NEAR_MS ? 0 : difference
}

export const serverNow = () => Date.now() + apart
