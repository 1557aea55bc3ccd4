import { interval, score, signed } from '@/lib/format'
import type { Scale } from '@/lib/scale'

interface WhiskerProps {
  value: number | null
  ci: [number, number] | null
  scale: Scale
  tone?: 'good' | 'bad' | 'unsure' | 'accent' | 'base'
  /** A line that must not be crossed (a bar or a margin), and on which side of it the bad lies. */
  limit?: { at: number; bad: 'below' | 'above' } | null
  zero?: boolean
  difference?: boolean
}

const INK = { good: 'var(--good)', bad: 'var(--bad)', unsure: 'var(--unsure)', accent: 'var(--accent)', base: 'var(--base)' }

/** A dot with whiskers on a line: the estimate, its interval, and the limit it is held against. */
export function Whisker({ value, ci, scale, tone = 'accent', limit, zero, difference }: WhiskerProps) {
  const write = difference ? signed : score
  const spoken = `${write(value)}, interval ${interval(ci, difference)}${limit ? `, limit ${write(limit.at)}` : ''}`
  return (
    <div className="whisker" role="img" aria-label={spoken} title={spoken}>
      {limit && <div className="danger" style={dangerous(limit, scale)} />}
      <div className="axis" />
      {zero && <div className="mark zero" style={{ left: `${scale.at(0)}%` }} />}
      {limit && <div className="mark limit" style={{ left: `${scale.at(limit.at)}%` }} />}
      {ci && <div className="ci" style={{ color: INK[tone], left: `${scale.at(ci[0])}%`, width: `${scale.at(ci[1]) - scale.at(ci[0])}%` }} />}
      {value !== null && <div className="dot" style={{ color: INK[tone], left: `${scale.at(value)}%` }} />}
    </div>
  )
}

/** The labels under a column of whiskers that share a scale. */
export function ScaleNote({ marks }: { marks: { at: number; label: string }[] }) {
  return (
    <div className="scale-note" aria-hidden>
      {marks.map((mark) => <span key={mark.label} style={{ left: `${Math.min(94, Math.max(6, mark.at))}%` }}>{mark.label}</span>)}
    </div>
  )
}

function dangerous(limit: { at: number; bad: 'below' | 'above' }, scale: Scale) {
  const edge = scale.at(limit.at)
  return limit.bad === 'below' ? { left: 0, width: `${edge}%` } : { left: `${edge}%`, right: 0 }
}
