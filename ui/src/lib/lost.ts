import { useSyncExternalStore } from 'react'

let ended = false
const listeners = new Set<() => void>()

/** Whether the session ended while a page was open. */
export const lost = {
  set(now: boolean) {
    if (now === ended) return
    ended = now
    for (const tell of listeners) tell()
  },
}

export const useLost = () => useSyncExternalStore(listen, () => ended)

function listen(tell: () => void): () => void {
  listeners.add(tell)
  return () => listeners.delete(tell)
}
