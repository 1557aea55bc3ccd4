import { IconChevronRight, IconTool } from '@tabler/icons-react'
import type { Span } from '@/api/types'
import { type Call, conversation, joined, newest, type Said } from '@/lib/messages'
import { plain } from '@/lib/text'
import { count } from '@/lib/format'
import { Copy } from './copy'
import { Json } from './json'
import { MediaView } from './media'
import { Fold, Text } from './text'

interface ContentProps {
  value: Span['input']
  pii: string[]
  label: string
  /** Leaves out what was said before. */
  fresh?: boolean
  /** Who says it where it is a text alone, between others who speak. */
  speaker?: 'user' | 'assistant'
}

/** A span's input or output: messages as chat, anything else as text or JSON. */
export function Content({ value, pii, label, fresh, speaker }: ContentProps) {
  const all = conversation(value) ?? (speaker && typeof value === 'string' && value !== '' ? [saidBy(speaker, value)] : null)
  const messages = all && fresh ? newest(all) : all
  if (messages) {
    const whole = joined(messages)
    return (
      <div className="chat">
        {whole.messages.map((message, i) => (
          <Message key={i} said={message} results={whole.results} pii={pii} folded={message.role === 'system' && messages.length > 1} />
        ))}
      </div>
    )
  }
  return (
    <div className="said bare">
      <header>
        <span className="sr">{label}</span> <Copy text={plain(value)} label={`Copy the ${label.toLowerCase()}`} />
      </header>
      {value === null || value === '' ? <span className="quiet">Nothing was recorded.</span> : <Text text={plain(value)} pii={pii} />}
    </div>
  )
}

const saidBy = (role: string, text: string): Said => ({ role, name: null, text, own: text, reasoning: '', calls: [], results: [], media: [], others: [] })

function Message({ said, results, pii, folded }: { said: Said; results: Map<string, string>; pii: string[]; folded: boolean }) {
  const body = said.text && <div className="body"><Text text={said.text} pii={pii} /></div>
  return (
    <article className="said" data-role={said.role} aria-label={`${said.role} message`}>
      <header>
        <span style={{ textTransform: 'capitalize' }}>{said.role}</span>
        {said.name && <span className="quiet">{said.name}</span>}
        <span className="quiet small" style={{ fontWeight: 400 }}>{said.text.length > 400 && `${count(said.text.length)} characters`}</span>
        {said.text && <Copy text={said.text} label="Copy this message" />}
      </header>
      {said.reasoning && <Fold title={<span className="quiet">Reasoning, {count(said.reasoning.length)} characters</span>}><Text text={said.reasoning} pii={pii} /></Fold>}
      {folded && said.text.length > 280 ? <Fold title={<span className="cut second" style={{ fontWeight: 400 }}>{said.text.slice(0, 140)}…</span>}>{body}</Fold> : body}
      {said.media.map((media, i) => <MediaView key={i} media={media} />)}
      {said.calls.map((call, i) => <ToolCallView key={call.id ?? i} call={call} result={results.get(call.id ?? '')} pii={pii} />)}
      {said.others.map((part, i) => <Json key={i} value={part} />)}
      {!said.text && !said.reasoning && [said.calls, said.media, said.others].every((list) => list.length === 0) && <span className="quiet">Empty message.</span>}
    </article>
  )
}

function ToolCallView({ call, result, pii }: { call: Call; result: string | undefined; pii: string[] }) {
  return (
    <details className="call">
      <summary>
        <IconChevronRight size={14} className="chevron" aria-hidden />
        <IconTool size={14} stroke={1.8} style={{ color: 'var(--k-tool)', flex: 'none' }} aria-hidden />
        <strong>{call.name}</strong>
        <code className="cut quiet">{oneLine(call.arguments)}</code>
        {result !== undefined && <span className="cut second result">→ {oneLine(result).slice(0, 90) || 'empty'}</span>}
      </summary>
      <div className="inside">
        {typeof call.arguments === 'object' ? <Json value={call.arguments} /> : <Text text={plain(call.arguments)} mono />}
        {result !== undefined && (
          <div className="said" data-role="tool">
            <header>Result <span className="quiet small">{result.length > 400 && `${count(result.length)} characters`}</span><Copy text={result} label="Copy the result" /></header>
            {result ? <Text text={result} pii={pii} /> : <span className="quiet">Empty.</span>}
          </div>
        )}
      </div>
    </details>
  )
}

const oneLine = (value: unknown) => plain(value).replace(/\s+/g, ' ')
