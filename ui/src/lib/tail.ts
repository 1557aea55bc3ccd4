import { useEffect, useRef, useState } from 'react'
import { address, type Query } from '@/api/client'
import type { SpanKind, SpanStatus } from '@/api/types'

/** A span as the live tail tells it (`docs/api/looking.md`). */
export interface TailSpan {
  trace_id: string
  span_id: string
  name: string
  kind: SpanKind
  start: string
  latency_ms: number
  status: SpanStatus
  model: string | null
  user: string | null
  session: string | null
  cost: number | null
  input: string | null
  output: string | null
}

export type TailState = 'connecting' | 'listening' | 'lost' | 'refused'

export interface Tail {
  rows: TailSpan[]
  state: TailState
  /** Spans that came while the list stood still and wait to be shown. */
  waiting: number
  /** Spans that were left out: the server or this page was too slow for them, or too many waited. */
  missed: number
  clear: () => void
}

/** What the page holds at most; older rows fall out at the end. */
export const HELD = 300
/** Spans that came together are shown together: one drawing, however many there are. */
const FLUSH_MS = 200

/** New rows before the old, the newest first, bounded. */
export function joined(fresh: TailSpan[], old: TailSpan[], held = HELD): TailSpan[] {
  return [...fresh].reverse().concat(old).slice(0, held)
}

/** Listens to the spans that a query keeps, as they are stored. While `paused` they wait. */
export function useTail(query: Query, paused: boolean): Tail {
  const [rows, setRows] = useState<TailSpan[]>([])
  const [state, setState] = useState<TailState>('connecting')
  const [waiting, setWaiting] = useState(0)
  const [missed, setMissed] = useState(0)
  const queue = useRef<TailSpan[]>([])
  const stopped = useRef(paused)
  stopped.current = paused
  const url = address('/tail', query)
  useEffect(() => {
    queue.current = []
    setRows([])
    setMissed(0)
    setState('connecting')
    const source = new EventSource(url)
    source.onopen = () => setState('listening')
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? 'refused' : 'lost')
    source.addEventListener('span', (event) => {
      queue.current.push(JSON.parse((event as MessageEvent<string>).data) as TailSpan)
      if (queue.current.length > HELD) {
        queue.current.shift()
        setMissed((n) => n + 1)
      }
    })
    source.addEventListener('missed', (event) => {
      const { n } = JSON.parse((event as MessageEvent<string>).data) as { n: number }
      setMissed((before) => before + n)
    })
    const timer = setInterval(() => {
      if (stopped.current) return setWaiting(queue.current.length)
      setWaiting(0)
      if (queue.current.length === 0) return
      const fresh = queue.current.splice(0)
      setRows((old) => joined(fresh, old))
    }, FLUSH_MS)
    return () => {
      clearInterval(timer)
      source.close()
    }
  }, [url])
  return { rows, state, waiting, missed, clear: () => setRows([]) }
}
