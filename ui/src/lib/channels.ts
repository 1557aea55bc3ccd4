import type { Channel, ChannelEvent } from '@/api/types'

const SHIPS = new Set<ChannelEvent['action']>(['promote', 'rollback', 'canary_promote'])

/** History newest first, whichever way it was sent. */
export function newestFirst(history: ChannelEvent[] | undefined): ChannelEvent[] {
  return [...(history ?? [])].sort((a, b) => (a.at === b.at ? 0 : a.at < b.at ? 1 : -1))
}

/** The releases that were live before, newest first, each once: what a rollback may go back to. */
export function earlierReleases(channel: Channel): { id: string; event: ChannelEvent }[] {
  const seen = new Set([channel.release?.id])
  const found: { id: string; event: ChannelEvent }[] = []
  for (const event of newestFirst(channel.history)) {
    if (!SHIPS.has(event.action) || event.from === null || seen.has(event.from)) continue
    seen.add(event.from)
    found.push({ id: event.from, event })
  }
  return found
}
