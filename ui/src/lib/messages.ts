import type { Message, MessagePart, Span, ToolCall } from '@/api/types'
import { type Media, mediaOf, withoutMedia } from './media'

export interface Call {
  id: string | null
  name: string
  arguments: unknown
}

/** One chat message, whichever of the conventions it was sent in. */
export interface Said {
  role: string
  name: string | null
  text: string
  /** The text without what tools answered. */
  own: string
  reasoning: string
  calls: Call[]
  /** What tools answered, by the id of the call where it is told. */
  results: { id: string | null; text: string }[]
  media: Media[]
  /** Parts of kinds nobody here knows. Shown as they are. */
  others: MessagePart[]
}

/** Messages of a span's input or output; `null` when it is plain text or missing. */
export function conversation(value: Span['input']): Said[] | null {
  if (!Array.isArray(value)) return null
  return value.map(said)
}

/** Ids of the stored media that are drawn in these; in plain text and in other JSON only their words stand. */
export function mediaIn(values: Span['input'][]): Set<string> {
  const media = values.flatMap((value) => conversation(value) ?? []).flatMap((one) => one.media)
  return new Set(media.flatMap((one) => (one.where === 'stored' ? [one.id] : [])))
}

const TEXTS = ['text', 'input_text', 'output_text', 'refusal']
const REASONS = ['reasoning', 'thinking', 'redacted_thinking']
const CALLS = ['tool_call', 'tool_use', 'function_call']
const RESULTS = ['tool_call_response', 'tool_result', 'function_call_output']

function said(message: Message): Said {
  const parts = message.parts ?? (Array.isArray(message.content) ? message.content : [])
  const of = (types: string[]) => parts.filter((part) => types.includes(part.type))
  const own = typeof message.content === 'string' ? [message.content] : []
  const rest = parts.filter((part) => ![TEXTS, REASONS, CALLS, RESULTS].some((types) => types.includes(part.type)))
  const found = rest.map((part) => ({ part, media: mediaOf(part) }))
  const results = of(RESULTS).map((part) => ({ id: idOf(part), text: asText(part.response ?? part.result ?? part.output ?? part.content) }))
  const [text, inside] = withoutMedia([...own, ...of(TEXTS).map(textOf)].filter(Boolean).join('\n\n'))
  const isAnswer = message.role === 'tool' && message.tool_call_id !== undefined
  const answers = isAnswer ? [{ id: message.tool_call_id!, text }, ...results] : results
  return {
    role: message.role,
    name: message.name ?? null,
    text: [text, ...results.map((result) => result.text)].filter(Boolean).join('\n\n'),
    own: isAnswer ? '' : text,
    reasoning: [message.reasoning_content ?? message.reasoning ?? '', ...of(REASONS).map(textOf)].filter(Boolean).join('\n\n'),
    calls: [...(message.tool_calls ?? []), ...of(CALLS)].map(call),
    results: answers,
    media: [...inside, ...found.flatMap(({ media }) => media ?? [])],
    others: found.flatMap(({ part, media }) => (media ? [] : [part])),
  }
}

const idOf = (part: MessagePart) => [part.id, part.tool_call_id, part.tool_use_id, part.call_id].find((id): id is string => typeof id === 'string') ?? null

/** Every result stands with the call it answers; messages that held nothing else are left out. */
export function joined(messages: Said[]): { messages: Said[]; results: Map<string, string> } {
  const asked = new Set(messages.flatMap((one) => one.calls.map((call) => call.id)))
  const results = new Map(messages.flatMap((one) => one.results.flatMap(({ id, text }) => (id !== null && asked.has(id) ? [[id, text] as const] : []))))
  const left = messages.flatMap((one) => {
    const strays = one.results.filter(({ id }) => id === null || !results.has(id))
    const text = [one.own, ...strays.map((result) => result.text)].filter(Boolean).join('\n\n')
    const moved = strays.length < one.results.length && !text && !one.reasoning && [one.calls, one.media, one.others].every((list) => list.length === 0)
    return moved ? [] : [{ ...one, text }]
  })
  return { messages: left, results }
}

function call(part: ToolCall | MessagePart): Call {
  const raw = part as Record<string, unknown>
  const inner = (raw.function ?? raw) as Record<string, unknown>
  return {
    id: idOf(raw as MessagePart),
    name: String(inner.name ?? 'tool'),
    arguments: parsed(inner.arguments ?? inner.input ?? inner.args),
  }
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function textOf(part: MessagePart): string {
  return asText(part.text ?? part.content ?? part.thinking ?? part.refusal)
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value) && value.length > 0 && value.every((part: MessagePart | null) => typeof part?.text === 'string' && TEXTS.includes(part.type))) {
    return value.map((part: MessagePart) => part.text).join('\n\n') // what a tool answered, in parts
  }
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}

/** What was said last in the beginning of a written-out conversation; any other text as it is. */
export function saidIn(preview: string): string {
  if (!/^\s*[[{]/.test(preview)) return preview
  const said = [...preview.matchAll(/"(?:content|text)":\s*"((?:[^"\\]|\\.)*)/g)].map((match) => match[1]!.replace(/\\n/g, ' ').replace(/\\(["\\/])/g, '$1'))
  return said.findLast((one) => one.trim()) ?? preview
}

/** What is new in a turn whose input repeats the whole conversation: everything behind the last answer, without instructions. */
export function newest(messages: Said[]): Said[] {
  const answered = messages.findLastIndex((one) => one.role === 'assistant')
  const fresh = messages.slice(answered + 1).filter((one) => one.role !== 'system')
  return fresh.length ? fresh : messages
}
