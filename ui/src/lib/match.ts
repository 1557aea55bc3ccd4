/** Fields with the values they may have: all fields must hold, of several values any. */
export interface Held {
  field: string
  values: string[]
}

export const heldOf = (match: Record<string, string | string[]>): Held[] => Object.entries(match).map(([field, found]) => ({ field, values: [found].flat() }))

export const matchOf = (held: Held[]): Record<string, string[]> => Object.fromEntries(held.filter((one) => one.values.length > 0).map((one) => [one.field, one.values]))
