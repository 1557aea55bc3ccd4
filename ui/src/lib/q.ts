import { EQUAL } from './fields'
import { type Search, valuesOf } from './search'

/** The line that narrows the list of traces (`docs/api/search.md`): its parts, and how one of them is put or taken. The server alone says what a part means. */
export interface Part {
  from: number
  to: number
  text: string
  /** A part with `-` in front may not hold. */
  negated: boolean
  /** What stands before the operator; null for words and phrases. */
  field: string | null
  op: string | null
  /** Without its quotes, or as it is written where it is several. */
  value: string
  /** Of a field that is compared as it is, without their quotes; one of them must hold. */
  values: string[]
}

export { EQUAL }

const PART = /(?:[^\s"]|"[^"]*"?)+/g
const FIELD = /^-?([a-z_]+|score\.(?:[^\s:<>=!~"]|"[^"]*")+|attr\.(?:[^\s<>=!~":]|"[^"]*")+)(<=|>=|!=|<|>|=|:|~)/
const TRACE_ID = /^[0-9a-fA-F]{32}$/
const VALUE = /((?:[^",]|"[^"]*"?)*)(?:,|$)/g
const SEVERAL = new Set<string>([...EQUAL, 'env'])
const KNOWN = new Set<string>([...EQUAL, 'env', 'since', 'until', 'latency', 'cost', 'tokens'])

export function partsOf(q: string): Part[] {
  return [...q.matchAll(PART)].map((match) => {
    const text = match[0]
    if (TRACE_ID.test(text)) return { from: match.index, to: match.index + text.length, text, negated: false, field: 'trace', op: ':', value: text.toLowerCase(), values: [text.toLowerCase()] }
    const found = FIELD.exec(text)
    const field = found && (found[1]!.includes('.') || KNOWN.has(found[1]!)) ? found[1]! : null
    const written = field ? text.slice(found![0].length) : text
    const values = field && SEVERAL.has(field) ? each(written) : []
    return {
      from: match.index,
      to: match.index + text.length,
      text,
      negated: field !== null && text.startsWith('-'),
      field,
      op: field && found![2]!,
      value: values.length > 1 ? written : unquoted(written),
      values,
    }
  })
}

export const valuesIn = (q: string, field: string): string[] => partsOf(q).find((part) => part.field === field && isValue(part))?.values ?? []

/** Names of the scores that a line compares. */
export const scoresIn = (q: string): string[] => partsOf(q).flatMap((part) => (part.field?.startsWith('score.') ? [unquoted(part.field.slice('score.'.length))] : []))

/** Whether a part says which value its field has. */
export const isValue = (part: Part) => !part.negated && (part.op === ':' || part.op === '=')

/** The line with `field:a,b` in place of what it said of the field; without a value the part is taken away. What it excludes stays. */
export function put(q: string, field: string, ...values: string[]): string {
  const kept = partsOf(q).filter((part) => part.field !== field || part.negated || part.op === '!=').map((part) => part.text)
  const own = values.length === 0 ? [] : [`${field}:${values.map(quoted).join(',')}`]
  const fields = kept.filter((text) => partsOf(text)[0]?.field)
  const words = kept.filter((text) => !partsOf(text)[0]?.field)
  return [...fields, ...own, ...words].join(' ')
}

export function without(q: string, part: Part): string {
  return partsOf(q).filter((one) => one.from !== part.from).map((one) => one.text).join(' ')
}

/** A value as it may stand in the line: between quotes where it has spaces, commas or quotes, which are then doubled. */
export function quoted(value: string): string {
  return /[\s",]/.test(value) || value === '' ? `"${value.replaceAll('"', '""')}"` : value
}

/** The values of `a,"b, c"`. */
function each(written: string): string[] {
  const values = new Set<string>()
  for (const match of written.matchAll(VALUE)) {
    values.add(unquoted(match[1]!))
    if (!match[0].endsWith(',')) break
  }
  return [...values]
}

const unquoted = (text: string) => (text.startsWith('"') ? text.replace(/^"|"$/g, '').replaceAll('""', '"') : text)

const OPERATORS: Record<string, string> = { lt: '<', le: '<=', gt: '>', ge: '>=', eq: ':', ne: '!=', contains: '~' }
const OTHERS: [string, (value: string) => string][] = [
  ['min_latency_ms', (value) => `latency>=${value}ms`],
  ['max_latency_ms', (value) => `latency<=${value}ms`],
  ['min_cost', (value) => `cost>=${value}`],
  ['max_cost', (value) => `cost<=${value}`],
  ['min_tokens', (value) => `tokens>=${value}`],
  ['max_tokens', (value) => `tokens<=${value}`],
  ['score', (value) => compared('score', value)],
  ['attribute', (value) => compared('attr', value)],
  ['differs', (value) => `${value.slice(0, value.indexOf(':'))}!=${quoted(value.slice(value.indexOf(':') + 1))}`],
  ['exclude', (value) => `-${value}`],
  ['text', (value) => value],
]

/** Parameters of links to the list that have a part of the line of their own. */
export const PARAMETERS: string[] = [...EQUAL.filter((name) => name !== 'trace'), 'trace_id', ...OTHERS.map(([name]) => name)]

/** The line an address asks for: its `q`, and whatever else a link says. */
export function lineOf(address: Search): string {
  let q = address.q ?? ''
  for (const name of EQUAL) {
    const values = valuesOf(address, name === 'trace' ? 'trace_id' : name)
    if (values.length > 0) q = put(q, name, ...values)
  }
  const others = OTHERS.flatMap(([name, write]) => valuesOf(address, name).map(write))
  return [...others, q].filter(Boolean).join(' ')
}

/** `helpful:lt:0.5` → `score.helpful<0.5`. Names of scores, and values, may hold colons. */
function compared(prefix: 'score' | 'attr', condition: string): string {
  const [, key, op, value] = /^(.+?):(eq|ne|lt|le|gt|ge|contains|exists):(.*)$/s.exec(condition) ?? [condition, condition, 'eq', '']
  if (op === 'exists') return `${prefix}.${key}:*`
  return `${prefix}.${key}${OPERATORS[op!] ?? ':'}${quoted(value!)}`
}

/** What the list looks for in one and the same span. */
export const OF_ONE_SPAN = ['kind', 'name', 'service', 'model', 'provider']

/** A quote that is not closed takes in what stands behind it. */
export const isOpen = (text: string) => text.split('"').length % 2 === 0

/** Both as one line; null where the list would look for something else: both say a field, both speak of a span (it takes one of which all is true), or a quote is open. */
export function together(q: string, line: string): string | null {
  const fields = (text: string) => partsOf(text).filter((part) => part.field !== null && !part.negated).map((part) => (part.field === 'env' ? 'environment' : part.field!))
  const [own, told] = [fields(q), fields(line)]
  const ofSpan = (field: string) => [...OF_ONE_SPAN, 'error_type', 'prompt', 'prompt_version'].includes(field) || field.startsWith('attr.')
  if (isOpen(line) || (line && (told.some((field) => own.includes(field)) || (own.some(ofSpan) && told.some(ofSpan))))) return null
  return [q, line].filter(Boolean).join(' ')
}

/** What is being typed at the cursor: a field, or a value of one. */
export interface Typed {
  from: number
  to: number
  field: string | null
  op: string | null
  text: string
}

export function typedAt(q: string, cursor: number): Typed {
  const part = partsOf(q).find((one) => one.from <= cursor && cursor <= one.to)
  if (!part) return { from: cursor, to: cursor, field: null, op: null, text: '' }
  const begin = part.from + (part.text.startsWith('-') && cursor > part.from ? 1 : 0)
  const start = part.field === null ? begin : begin + part.field.length + part.op!.length
  if (part.field !== null && cursor >= start) {
    const [from, to] = SEVERAL.has(part.field) ? among(q.slice(start, part.to), cursor - start) : [0, part.to - start]
    return { from: start + from, to: start + to, field: part.field, op: part.op, text: unquoted(q.slice(start + from, cursor)) }
  }
  return { from: begin, to: part.to, field: null, op: null, text: q.slice(begin, cursor) }
}

/** Where the one of several values stands that the cursor is at. */
function among(written: string, cursor: number): [number, number] {
  for (const match of written.matchAll(VALUE)) if (cursor <= match.index + match[1]!.length) return [match.index, match.index + match[1]!.length]
  return [0, written.length]
}
