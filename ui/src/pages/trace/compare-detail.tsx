import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import * as ask from '@/api/tracing'
import type { PairRow, PairSide, TracePair } from '@/api/tracing'
import type { Span } from '@/api/types'
import { conversation } from '@/lib/messages'
import { alike, plain, wordDiff } from '@/lib/text'
import { Content } from '@/parts/chat'
import { ReleaseLink, TraceLink } from '@/parts/links'
import { Facts, Section } from '@/parts/page'
import { Scrubbed } from '@/parts/scrubbed'
import { Skeleton } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { Words } from '@/parts/text'
import { Duration, Money, TokenCount } from '@/parts/values'

/** One pair of spans: its figures beside each other, and what differs in what was asked and said, word by word. */
export function PairDetail({ pair, row }: { pair: TracePair; row: PairRow }) {
  return (
    <Section title={row.name} note={row.a && row.b ? 'in both' : row.a ? 'only in the first' : 'only in the second'}>
      <div className="sides">
        <SideFacts name="First" trace={pair.a.trace_id} side={row.a} />
        <SideFacts name="Second" trace={pair.b.trace_id} side={row.b} />
      </div>
      {row.a && row.b ? <Texts a={[pair.a.trace_id, row.a]} b={[pair.b.trace_id, row.b]} /> : <Alone trace={row.a ? pair.a.trace_id : pair.b.trace_id} side={(row.a ?? row.b)!} />}
    </Section>
  )
}

function SideFacts({ name, trace, side }: { name: string; trace: string; side: PairSide | null }) {
  if (!side) return <div><h3>{name}</h3><span className="quiet">not there</span></div>
  return (
    <div className="stack" style={{ gap: '0.35rem' }}>
      <h3 className="line tight">{name} <span style={{ fontWeight: 400 }}><TraceLink id={trace} span={side.span_id}>the span</TraceLink></span></h3>
      <Facts
        rows={[
          ['Latency', <Duration key="latency" ms={side.latency_ms} />],
          ['Status', side.status === 'error' && <StatusTag key="status" status="error" />],
          ['Tokens', side.tokens && <TokenCount key="tokens" input={side.tokens.input_total} output={side.tokens.output_total} />],
          ['Cost', side.cost !== null && <Money key="cost" usd={side.cost} />],
          ['Model', side.model],
          ['Prompt', side.prompt && `${side.prompt}${side.prompt_version ? ` v${side.prompt_version}` : ''}`],
          ['Release', side.release && <ReleaseLink key="release" id={side.release} />],
        ]}
      />
      {side.status === 'error' && <Failure trace={trace} span={side.span_id} />}
    </div>
  )
}

/** Why it failed, where the span says it. */
function Failure({ trace, span }: { trace: string; span: string }) {
  const found = useQuery(ask.span(trace, span)).data
  if (!found?.status_message) return null
  return <div className="notice bad"><Scrubbed text={found.status_message} pii={found.pii} /></div>
}

function Texts({ a, b }: { a: [string, PairSide]; b: [string, PairSide] }) {
  const left = useQuery(ask.span(a[0], a[1].span_id)).data
  const right = useQuery(ask.span(b[0], b[1].span_id)).data
  if (!left || !right) return <Skeleton lines={5} />
  return (
    <>
      <Compared title="Input" before={left.input} after={right.input} />
      <Compared title="Output" before={left.output} after={right.output} />
    </>
  )
}

function Alone({ trace, side }: { trace: string; side: PairSide }) {
  const span = useQuery(ask.span(trace, side.span_id)).data
  if (!span) return <Skeleton lines={5} />
  return (
    <>
      <Content value={span.input} pii={span.pii} label="Input" />
      <Content value={span.output} pii={span.pii} label="Output" />
    </>
  )
}

function Compared({ title, before, after }: { title: string; before: Span['input']; after: Span['input'] }) {
  const [from, to] = [asText(before), asText(after)]
  const changes = useMemo(() => (from !== to && from.length + to.length < 40_000 ? wordDiff(from, to) : null), [from, to])
  if (from === '' && to === '') return null
  return (
    <div className="stack" style={{ gap: '0.35rem' }}>
      <h3>{title}{from === to && <span className="quiet"> · the same in both</span>}</h3>
      {from === to ? <div className="words quiet">{from.length > 1200 ? `${from.slice(0, 1200)}…` : from}</div> : changes && alike(changes) > 0.3 ? <Words words={changes} /> : <div className="sides"><div className="words">{from || <span className="quiet">Empty.</span>}</div><div className="words">{to || <span className="quiet">Empty.</span>}</div></div>}
    </div>
  )
}

/** Messages as a script, so that a difference in one of them is a difference of words. */
function asText(value: Span['input']): string {
  const messages = conversation(value)
  if (!messages) return plain(value)
  return messages.map((one) => [`${one.role}:`, one.text, ...one.calls.map((call) => `${call.name}(${plain(call.arguments)})`)].filter(Boolean).join('\n')).join('\n\n')
}
