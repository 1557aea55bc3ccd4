import type { Message, MessagePart, Span, ToolCall } from '@/api/types'

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
  reasoning: string
  calls: Call[]
  /** Parts that are neither text nor tool calls: images, files, unknown kinds. Shown as they are. */
  others: MessagePart[]
}

/** Messages of a span's input or output; `null` when it is plain text or missing. */
export function conversation(value: Span['input']): Said[] | null {
  if (!Array.isArray(value)) return null
  return value.map(said)
}

function said(message: Message): Said {
  const parts = message.parts ?? (Array.isArray(message.content) ? message.content : [])
  const of = (...types: string[]) => parts.filter((part) => types.includes(part.type))
  const own = typeof message.content === 'string' ? [message.content] : []
  const responses = of('tool_call_response', 'tool_result').map((part) => asText(part.response ?? part.content))
  const known = ['text', 'input_text', 'output_text', 'reasoning', 'thinking', 'tool_call', 'tool_use', 'tool_call_response', 'tool_result']
  return {
    role: message.role,
    name: message.name ?? null,
    text: [...own, ...of('text', 'input_text', 'output_text').map(textOf), ...responses].join('\n\n'),
    reasoning: of('reasoning', 'thinking').map(textOf).join('\n\n'),
    calls: [...(message.tool_calls ?? []), ...of('tool_call', 'tool_use')].map(call),
    others: parts.filter((part) => !known.includes(part.type)),
  }
}

function call(part: ToolCall | MessagePart): Call {
  const raw = part as Record<string, unknown>
  const inner = (raw.function ?? raw) as Record<string, unknown>
  return {
    id: typeof raw.id === 'string' ? raw.id : null,
    name: String(inner.name ?? 'tool'),
    arguments: parsed(inner.arguments ?? inner.input),
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
  return asText(part.text ?? part.content)
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return ''
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
