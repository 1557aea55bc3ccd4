import { useState } from 'react'
import { plural } from '@/lib/format'
import { Scrubbed } from './scrubbed'

const MANY = 100

/** A value as a tree: large branches folded, long lists in portions. */
export function Json({ value, depth = 0 }: { value: unknown; depth?: number }) {
  return (
    <div className="json" tabIndex={depth === 0 ? 0 : undefined} role={depth === 0 ? 'group' : undefined} aria-label={depth === 0 ? 'JSON' : undefined}>
      <Value value={value} depth={depth} />
    </div>
  )
}

function Value({ value, depth }: { value: unknown; depth: number }) {
  if (Array.isArray(value)) return <Branch entries={value.map((one, i) => [String(i), one])} open="[" close="]" depth={depth} />
  if (typeof value === 'object' && value !== null) return <Branch entries={Object.entries(value)} open="{" close="}" depth={depth} />
  if (typeof value === 'string') return <span className="s"><Scrubbed text={value} /></span>
  return <span className={typeof value === 'number' ? 'n' : 'l'}>{String(value)}</span>
}

interface BranchProps {
  entries: [string, unknown][]
  open: string
  close: string
  depth: number
}

function Branch({ entries, open, close, depth }: BranchProps) {
  const [folded, setFolded] = useState(depth > 2 || (depth > 0 && entries.length > 20))
  const [most, setMost] = useState(MANY)
  if (entries.length === 0) return <span>{open + close}</span>
  if (folded) {
    return (
      <button type="button" onClick={() => setFolded(false)} aria-expanded={false}>
        {open} {plural(entries.length, open === '[' ? 'item' : 'field')} {close}
      </button>
    )
  }
  return (
    <>
      <button type="button" onClick={() => setFolded(true)} aria-expanded={true} aria-label="Fold">{open}</button>
      {entries.slice(0, most).map(([key, one]) => (
        <div key={key} className="row">
          <span className="k">{key}</span>: <Value value={one} depth={depth + 1} />
        </div>
      ))}
      {entries.length > most && (
        <div className="row">
          <button type="button" className="linkish" onClick={() => setMost(most + MANY * 5)}>{plural(entries.length - most, 'more item')}</button>
        </div>
      )}
      {close}
    </>
  )
}
