import { IconChevronRight, IconTool } from '@tabler/icons-react'
import type { Span } from '@/api/types'
import { type Call, conversation, newest, type Said } from '@/lib/messages'
import { plain } from '@/lib/text'
import { count } from '@/lib/format'
import { Copy } from './copy'
import { Json } from './json'
import { Fold, Text } from './text'

/** A span's input or output: messages as chat, anything else as text or JSON. `fresh` leaves out what was said before. */
export function Content({ value, pii, label, fresh }: { value: Span['input']; pii: string[]; label: string; fresh?: boolean }) {
  const all = conversation(value)
  const messages = all && fresh ? newest(all) : all
  if (messages) {
    return (
      <div className="chat">
        {messages.map((message, i) => (
          <Message key={i} said={message} pii={pii} folded={message.role === 'system' && messages.length > 1} />
        ))}
      </div>
    )
  }
  return (
    <div className="said">
      <header>
        {label} <Copy text={plain(value)} label={`Copy the ${label.toLowerCase()}`} />
      </header>
      {value === null || value === '' ? <span className="quiet">Nothing was recorded.</span> : <Text text={plain(value)} pii={pii} />}
    </div>
  )
}

function Message({ said, pii, folded }: { said: Said; pii: string[]; folded: boolean }) {
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
      {said.calls.map((call, i) => <ToolCallView key={call.id ?? i} call={call} />)}
      {said.others.map((part, i) => <Json key={i} value={part} />)}
      {!said.text && !said.reasoning && said.calls.length === 0 && said.others.length === 0 && <span className="quiet">Empty message.</span>}
    </article>
  )
}

function ToolCallView({ call }: { call: Call }) {
  return (
    <details className="call">
      <summary>
        <IconChevronRight size={14} className="chevron" aria-hidden />
        <IconTool size={14} stroke={1.8} style={{ color: 'var(--k-tool)', flex: 'none' }} aria-hidden />
        <strong>{call.name}</strong>
        <code className="cut quiet">{plain(call.arguments).replace(/\s+/g, ' ')}</code>
      </summary>
      <div className="inside">{typeof call.arguments === 'object' ? <Json value={call.arguments} /> : <Text text={plain(call.arguments)} mono />}</div>
    </details>
  )
}
