/** Another order than a list comes in: a field, and whether the largest is first. In an address: `latency:desc`. */
export interface Order {
  by: string
  descending: boolean
}

export function orderOf(text: string | undefined): Order | undefined {
  const found = /^(.+):(asc|desc)$/s.exec(text ?? '')
  return found ? { by: found[1]!, descending: found[2] === 'desc' } : undefined
}

export const writtenOrder = (order: Order): string => `${order.by}:${order.descending ? 'desc' : 'asc'}`

/** As an address says it: nothing where it is how the list comes. */
export const inAddress = (order: Order | undefined, comes: Order): string | undefined => (order && !(order.by === comes.by && order.descending === comes.descending) ? writtenOrder(order) : undefined)

/** An order in words, beside how the list comes. */
export const saidOrder = (order: Order | undefined, comes: string): string => (order ? `by ${order.by.replace(/^score\./, '').replaceAll('_', ' ')}, ${order.descending ? 'largest' : 'smallest'} first` : comes)

/** What comes next for who asks for a field again: the largest first, the smallest, then as the list comes. */
export function ordered(by: string, now: Order | undefined): Order | undefined {
  if (now?.by !== by) return { by, descending: true }
  return now.descending ? { by, descending: false } : undefined
}
