import { notifications } from '@mantine/notifications'
import { IconCheck, IconCopy } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'

/** A button that copies a text, or one that is fetched, and says that it did. */
export function Copy({ text, label = 'Copy', children }: { text: string | (() => string | Promise<string>); label?: string; children?: ReactNode }) {
  const [copied, setCopied] = useState(false)
  const copy = async () => {
    try {
      await toClipboard(await (typeof text === 'string' ? text : text()))
    } catch (error) {
      return void notifications.show({ color: 'red', title: 'Could not copy.', message: error instanceof Error ? error.message : String(error) })
    }
    setCopied(true)
    setTimeout(() => setCopied(false), 1500)
  }
  return (
    <button type="button" className={`icon-button copy ${children ? 'lined' : ''}`} onClick={() => void copy()} title={label}>
      {copied ? <IconCheck size={14} className="good" aria-hidden /> : <IconCopy size={14} stroke={1.75} aria-hidden />}
      {children ?? <span className="sr">{label}</span>}
      <span className="sr" role="status">{copied ? 'Copied' : ''}</span>
    </button>
  )
}

export function Snippet({ text }: { text: string }) {
  return (
    <div className="snippet">
      <pre tabIndex={0}>{text}</pre>
      <Copy text={text} />
    </div>
  )
}

/** The clipboard of the browser needs a secure page; over plain HTTP on another machine the old way still works. */
async function toClipboard(text: string): Promise<void> {
  if (navigator.clipboard && window.isSecureContext) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  area.style.position = 'fixed'
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}
