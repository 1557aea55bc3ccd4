import type { Message, Span } from '@/api/types'
import { conversation } from './messages'

/** The model call of a span as a command for a terminal. `null` for spans that called no model with messages. */
export function asCurl(span: Span, origin: string): string | null {
  const messages = conversation(span.input)
  if (span.kind !== 'llm' || !messages) return null
  const body = { model: modelOf(span), ...parameters(span), messages: (span.input as Message[]).map(flat) }
  return [
    `curl ${origin}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer $ASSAY_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    `  -d ${quoted(JSON.stringify(body, null, 2))}`,
  ].join('\n')
}

export interface NewItem {
  input: unknown
  expected: unknown
  contexts?: (string | null)[]
  source_span: string
}

/** The span as an item of a golden set: the answer stands as `expected` until a person corrects it. */
export function datasetItem(span: Span): NewItem {
  const item: NewItem = { input: question(span) ?? span.input, expected: answer(span) ?? span.output, source_span: span.span_id }
  if (span.documents?.length) item.contexts = span.documents.map((document) => document.content)
  return item
}

/** The same as a line of JSON, as `assay dataset import` takes it. */
export const asDatasetItem = (span: Span): string => JSON.stringify(datasetItem(span))

/** What the caller asked the gateway for, such as a channel, else the model that answered. */
function modelOf(span: Span): string {
  const asked = span.attributes['assay.model']
  if (typeof asked === 'string') return asked
  if (span.model === null) return 'PROVIDER/MODEL'
  if (span.provider === null || span.model.startsWith(`${span.provider}/`)) return span.model
  return `${span.provider}/${span.model}`
}

const PARAMETERS = ['temperature', 'top_p', 'max_tokens', 'seed', 'frequency_penalty', 'presence_penalty']

function parameters(span: Span): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const name of PARAMETERS) {
    const value = span.attributes[`gen_ai.request.${name}`]
    if (value !== undefined) found[name] = value
  }
  return { ...found, ...tools(span.attributes['gen_ai.tool.definitions']) }
}

/** Tool definitions as the caller gave them; the gateway keeps them as JSON text. */
function tools(told: unknown): Record<string, unknown> {
  try {
    const found: unknown = typeof told === 'string' ? JSON.parse(told) : told
    return Array.isArray(found) && found.length > 0 ? { tools: found } : {}
  } catch {
    return {}
  }
}

function flat(message: Message): Record<string, unknown> {
  const said = conversation([message])![0]!
  const whole: Record<string, unknown> = { role: said.role, content: said.text }
  if (message.tool_calls) whole.tool_calls = message.tool_calls
  if (message.tool_call_id) whole.tool_call_id = message.tool_call_id
  return whole
}

function question(span: Span): string | undefined {
  return conversation(span.input)?.findLast((message) => message.role === 'user')?.text
}

function answer(span: Span): string | undefined {
  return conversation(span.output)?.at(-1)?.text
}

/** Single quotes for POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
