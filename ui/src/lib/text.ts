/** Texts as data: scrubbed placeholders, JSON inside strings, words that changed. */

export type Piece = { kind: 'text'; text: string } | { kind: 'scrubbed'; label: string }

const PLACEHOLDER = /\[([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,})\]/g

/** Splits a text at placeholders such as `[EMAIL_ADDRESS]`; `known` adds types to the usual ones. */
export function pieces(text: string, known?: string[]): Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of text.matchAll(PLACEHOLDER)) {
    const label = match[1]!
    if (!SCRUBBED.has(label) && !known?.includes(label)) continue
    if (match.index > end) found.push({ kind: 'text', text: text.slice(end, match.index) })
    found.push({ kind: 'scrubbed', label })
    end = match.index + match[0].length
  }
  if (end < text.length) found.push({ kind: 'text', text: text.slice(end) })
  return found
}

const SCRUBBED = new Set([
  'EMAIL_ADDRESS', 'PHONE_NUMBER', 'CREDIT_CARD', 'IBAN_CODE', 'IP_ADDRESS', 'US_SSN', 'PERSON', 'LOCATION', 'URL',
  'CRYPTO', 'API_KEY', 'SECRET', 'DATE_OF_BIRTH', 'PASSPORT',
])

/** The value inside a JSON text when it is an object or a list; otherwise undefined. */
export function jsonInside(text: string): object | undefined {
  const start = text.trimStart()[0]
  if (start !== '{' && start !== '[') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

/** Any value as text one can read and copy. */
export function plain(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return JSON.stringify(value, null, 2)
}

/** A value in one line: of an object with a single text, that text. */
export function headline(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    const fields = Object.values(value)
    if (fields.length === 1 && typeof fields[0] === 'string') return headline(fields[0])
  }
  return plain(value).replace(/\s+/g, ' ')
}

export interface WordChange {
  op: 'equal' | 'insert' | 'delete'
  text: string
}

const LONGEST = 1500

/** What changed from `a` to `b`, word by word (longest common subsequence; very long texts as a whole). */
export function wordDiff(a: string, b: string): WordChange[] {
  // A word keeps the space behind it: what was replaced then stands in one piece, not word by word.
  const from = a.match(/\S+\s*|\s+/g) ?? []
  const to = b.match(/\S+\s*|\s+/g) ?? []
  if (from.length > LONGEST || to.length > LONGEST) {
    return a === b ? joined([['equal', a]]) : joined([['delete', a], ['insert', b]])
  }
  return joined(walk(from, to, lengths(from, to)))
}

/** How much of the longer text is common to both, 0 to 1: below about a third, a word diff is harder to read than both texts. */
export function alike(changes: WordChange[]): number {
  const size = (op: WordChange['op']) => changes.reduce((sum, change) => sum + (change.op === op ? change.text.length : 0), 0)
  const common = size('equal')
  const longer = common + Math.max(size('insert'), size('delete'))
  return longer === 0 ? 1 : common / longer
}

function lengths(from: string[], to: string[]): Uint16Array[] {
  const table = Array.from({ length: from.length + 1 }, () => new Uint16Array(to.length + 1))
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      table[i]![j] =
        from[i] === to[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!)
    }
  }
  return table
}

function walk(from: string[], to: string[], table: Uint16Array[]): [WordChange['op'], string][] {
  const out: [WordChange['op'], string][] = []
  let i = 0
  let j = 0
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      out.push(['equal', from[i++]!])
      j++
    } else if (j >= to.length || (i < from.length && table[i + 1]![j]! >= table[i]![j + 1]!)) {
      out.push(['delete', from[i++]!])
    } else {
      out.push(['insert', to[j++]!])
    }
  }
  return out
}

function joined(steps: [WordChange['op'], string][]): WordChange[] {
  const out: WordChange[] = []
  for (const [op, text] of steps) {
    const last = out.at(-1)
    if (last?.op === op) last.text += text
    else if (text) out.push({ op, text })
  }
  return out
}
