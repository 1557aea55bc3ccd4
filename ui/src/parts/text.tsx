import { IconChevronRight } from '@tabler/icons-react'
import { type ReactNode, useMemo, useState } from 'react'
import type { WordChange } from '@/lib/text'
import { jsonInside } from '@/lib/text'
import { plural } from '@/lib/format'
import { Json } from './json'
import { Scrubbed } from './scrubbed'

const SHOWN = 1600

/** A text as it was said: scrubbed values as labelled chips, JSON as a tree, long texts folded with their length. */
export function Text({ text, pii, mono }: { text: string; pii?: string[]; mono?: boolean }) {
  const [whole, setWhole] = useState(false)
  const value = useMemo(() => jsonInside(text), [text])
  if (value) return <Json value={value} />
  const cut = !whole && text.length > SHOWN * 1.25
  return (
    <>
      <div className={`text ${mono ? 'mono' : ''}`}>
        <Scrubbed text={cut ? text.slice(0, SHOWN) : text} pii={pii} />
        {cut && '…'}
      </div>
      {text.length > SHOWN * 1.25 && (
        <button type="button" className="linkish small" onClick={() => setWhole(!whole)} aria-expanded={whole}>
          {whole ? 'Fold' : `Show all ${plural(text.length, 'character')}`}
        </button>
      )}
    </>
  )
}

export function Words({ words: changes }: { words: WordChange[] }) {
  return (
    <div className="words">
      {changes.map((change, i) =>
        change.op === 'insert' ? <ins key={i}>{change.text}</ins> : change.op === 'delete' ? <del key={i}>{change.text}</del> : <span key={i}>{change.text}</span>,
      )}
    </div>
  )
}

export function Fold({ title, open, children }: { title: ReactNode; open?: boolean; children: ReactNode }) {
  const [shown, setShown] = useState(open ?? false)
  return (
    <details className="fold" open={shown} onToggle={(event) => setShown(event.currentTarget.open)}>
      <summary>
        <IconChevronRight size={14} className="chevron" aria-hidden />
        {title}
      </summary>
      {shown && <div className="inside">{children}</div>}
    </details>
  )
}
