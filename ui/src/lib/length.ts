import { count } from './format'

/** How long a text is to the server, for which a sign beyond the basic plane is one character. */
const lengthOf = (text: string) => [...text.trim()].length

/** That a text is longer than is taken, and by how much: nothing of it is cut off. */
export function tooLong(text: string, most: number): string | null {
  const length = lengthOf(text)
  return length > most ? `Allowed: up to ${count(most)} characters. These are ${count(length)}.` : null
}
