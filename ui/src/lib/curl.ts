import type { Span } from '@/api/types'
import { conversation } from './messages'

/** A model call as the chat completion that asks the same again, as the server makes it of whichever convention it came in. */
export interface Again {
  body: Record<string, unknown>
  /** Pictures and files of which only the size was kept. */
  left_out: number
}

/** The same as a command for a terminal. */
export function asCurl({ body, left_out: leftOut }: Again, origin: string): string {
  return [
    ...(leftOut ? [`# ${leftOut === 1 ? 'A picture or file is' : `${leftOut} pictures or files are`} left out: only the size was kept.`] : []),
    `curl ${origin}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer $ASSAY_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    ...given(JSON.stringify(body, null, 2)),
  ].join('\n')
}

export interface NewItem {
  input: unknown
  expected: unknown
  contexts?: string[]
  source_span: string
}

/** The span as an item of a golden set: the answer stands as `expected` until a person corrects it. */
export function datasetItem(span: Span): NewItem {
  const item: NewItem = { input: question(span) ?? text(span.input), expected: answer(span) ?? text(span.output), source_span: span.span_id }
  const contexts = (span.documents ?? []).flatMap(({ content }) => content ?? [])
  if (contexts.length) item.contexts = contexts
  return item
}

/** The same as a line of JSON, as `assay dataset import` takes it. */
export const asDatasetItem = (span: Span): string => JSON.stringify(datasetItem(span))

/** An item holds texts and objects; a list that is no conversation with a question is told as JSON. */
const text = (value: unknown) => (Array.isArray(value) ? JSON.stringify(value) : value)

function question(span: Span): string | undefined {
  return conversation(span.input)?.findLast((message) => message.role === 'user')?.text
}

function answer(span: Span): string | undefined {
  return conversation(span.output)?.at(-1)?.text
}

/** No shell passes on an argument of more than 128 kB. No line of JSON is `BODY` alone. */
const given = (body: string) => (new Blob([body]).size < 120_000 ? [`  -d ${quoted(body)}`] : [`  --data-binary @- <<'BODY'`, body, 'BODY'])

/** Single quotes for POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
