/** Fields with the values they may have: all fields must hold, of several values any. */
export interface Held {
  field: string
  values: string[]
}

/** Its values are lines of the list of traces: what is of a trace that one of them finds is kept. */
export const SEARCH = 'search'

const MINUS = '-'

/** A word with '-' in front leaves out what it would keep without. */
export const leavesOut = (word: string) => word.startsWith(MINUS)
export const fieldOf = (word: string) => (leavesOut(word) ? word.slice(MINUS.length) : word)
export const turned = (word: string, out: boolean) => (out ? MINUS : '') + fieldOf(word)

/** As people read it: `model: a or b`, `not model: a`. A line of the list has words and commas of its own: of several it is shown where each ends. */
export function told(match: Record<string, string | string[]>): string[] {
  return Object.entries(match).map(([word, values]) => `${leavesOut(word) ? 'not ' : ''}${fieldOf(word)}: ${named(word, [values].flat()).join(' or ')}`)
}

const named = (word: string, values: string[]) => (fieldOf(word) === SEARCH && values.length > 1 ? values.map((line) => `“${line}”`) : values)

/** A field that was added and has no value yet: nothing is narrowed by it, which nobody may have meant. */
export const openIn = (held: Held[]): string | undefined => held.find((one) => one.values.length === 0)?.field

export const heldOf = (match: Record<string, string | string[]>): Held[] => Object.entries(match).map(([field, found]) => ({ field, values: [found].flat() }))

export const matchOf = (held: Held[]): Record<string, string[]> => Object.fromEntries(held.filter((one) => one.values.length > 0).map((one) => [one.field, one.values]))
