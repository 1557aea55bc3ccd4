import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/tracing'
import type { Outline } from '@/api/tracing'
import type { Score, Span } from '@/api/types'
import { compact, count, duration, exact, plural, shortId, titled } from '@/lib/format'
import { mediaIn } from '@/lib/messages'
import { Content } from '@/parts/chat'
import { Json } from '@/parts/json'
import { ReleaseLink, RunLink } from '@/parts/links'
import { MediaView } from '@/parts/media'
import { Facts, Section } from '@/parts/page'
import { ScoreTable } from '@/parts/scores'
import { Loaded } from '@/parts/states'
import { KindIcon, StatusTag } from '@/parts/status'
import { Scrubbed } from '@/parts/scrubbed'
import { Fold } from '@/parts/text'
import { Duration, Money, Person, Time, TokenCount } from '@/parts/values'
import { CopyMenu } from './span-copies'
import { Documents } from './span-documents'
import { PromptChange, ReleaseChange } from './span-made-by'
import { ordinal } from './span-row'
import { Tools } from './span-tools'

interface SpanDetailProps {
  outline: Outline
  attempt: number | undefined
  scores: Score[]
}

/** One span: what it was, what was said, what it found, how it was judged, and everything the sender told. */
export function SpanDetail({ outline, attempt, scores }: SpanDetailProps) {
  const whole = useQuery(ask.span(outline.trace_id, outline.span_id))
  const own = scores.filter((score) => score.span_id === outline.span_id || (score.span_id === null && outline.parent_id === null))
  return (
    <div className="detail" role="region" aria-label={`Span ${outline.name}`} tabIndex={0}>
      <div className="line">
        <KindIcon kind={outline.kind} size={17} />
        <h2 style={{ fontSize: 'var(--t-l)', overflowWrap: 'anywhere' }}>{titled(outline.name)}</h2>
        {outline.status === 'error' && <StatusTag status="error" />}
        {attempt !== undefined && <span className="tag unsure">{ordinal(attempt)} attempt</span>}
        {whole.data && <span className="line tight copies"><CopyMenu span={whole.data} scores={scores} /></span>}
      </div>
      {outline.status_message && <div className="notice bad"><Scrubbed text={outline.status_message} pii={outline.pii} /></div>}
      <SpanFacts span={outline} />
      {outline.prompt && <PromptChange name={outline.prompt} version={outline.prompt_version} />}
      {outline.pii.length > 0 && <Pii types={outline.pii} />}
      <Loaded query={whole} lines={8}>{(span) => <Whole span={span} />}</Loaded>
      {own.length > 0 && <Section title="Scores"><ScoreTable scores={own} /></Section>}
      {whole.data && <Raw span={whole.data} />}
    </div>
  )
}

function Whole({ span }: { span: Span }) {
  const gone = <Gone span={span} />
  return (
    <>
      {gone}
      {(span.input !== null || span.output !== null) && (
        <>
          <Section title="Input"><Content value={span.input} pii={span.pii} label="Input" /></Section>
          <Section title="Output"><Content value={span.output} pii={span.pii} label="Output" /></Section>
        </>
      )}
      {span.tools && <Tools tools={span.tools} pii={span.pii} />}
      <Attached span={span} />
      {span.documents && span.documents.length > 0 && <Documents span={span} documents={span.documents} />}
    </>
  )
}

/** Files of the span, and on the root those of the trace, that are not drawn in a message already. */
function Attached({ span }: { span: Span }) {
  const found = useQuery(ask.media(span.trace_id)).data?.items ?? []
  const drawn = mediaIn([span.input, span.output])
  const own = found.filter((one) => (one.span_id === span.span_id || (one.span_id === null && span.parent_id === null)) && !drawn.has(one.id))
  if (own.length === 0) return null
  return (
    <Section title="Attached" note={plural(own.length, 'file')}>
      {own.map((one) => (
        <div key={one.id} className="stack" style={{ gap: '0.2rem' }}>
          <span className="small second">{one.field}{one.bytes !== null && ` · ${count(one.bytes)} bytes`}</span>
          {one.stored ? <MediaView media={{ where: 'stored', type: one.content_type, id: one.id }} /> : <span className="quiet">{one.content_type}, whose content never arrived or is no longer on disk</span>}
        </div>
      ))}
    </Section>
  )
}

/** Texts that are not there, and why: an empty input would be another thing. */
function Gone({ span }: { span: Span }) {
  if (span.let_go) {
    return <p className="notice">Text kept {plural(span.let_go.kept_days, 'day')}, deleted on {exact(span.let_go.at)}. Everything except the texts is unchanged. <Link to="/settings" search={{ tab: 'retention' }}>The rule</Link></p>
  }
  if (span.content === 'waiting') return <p className="notice">The texts are stored and will be shown once the sampling decision for this trace is made.</p>
  if (span.content === 'sampled_out') return <p className="notice">Sampling kept the times, tokens and cost of this span, not its texts.</p>
  return null
}

function SpanFacts({ span }: { span: Outline }) {
  const { tokens } = span
  return (
    <Facts
      rows={[
        ['Started', <Time at={span.start} full />],
        ['Latency', <Duration ms={span.latency_ms} />],
        ['First token', span.ttft_ms !== null && span.ttft_ms !== undefined && duration(span.ttft_ms)],
        ['Model', span.model && [span.provider, span.model].filter(Boolean).join('/')],
        ['Tokens', tokens && <TokenCount input={tokens.input_total} output={tokens.output_total} />],
        ['Cached', tokens?.cache_read ? `${compact(tokens.cache_read)} read` : null],
        ['Reasoning', tokens?.reasoning ? compact(tokens.reasoning) : null],
        ['Cost', span.kind === 'llm' || span.cost !== null ? <Money usd={span.cost} source={span.cost_source} /> : null],
        ['User', span.user && <Person actor={span.user} />],
        ['Prompt', span.prompt && `${span.prompt}${span.prompt_version ? ` v${span.prompt_version}` : ''}`],
        ['Release', span.release && <><ReleaseLink id={span.release} /> <ReleaseChange id={span.release} /></>],
        ['Channel', span.channel && <Link to="/channels/$name" params={{ name: span.channel }}>{span.channel}{span.arm ? `, ${span.arm}` : ''}</Link>],
        ['Canary', span.canary && <Link to="/canaries/$canaryId" params={{ canaryId: span.canary }}>{shortId(span.canary)}</Link>],
        ['Run', span.run && <RunLink id={span.run} />],
        ['Tags', span.tags.length > 0 && span.tags.join(', ')],
      ]}
    />
  )
}

function Pii({ types }: { types: string[] }) {
  return (
    <p className="small second">
      Scrubbed before it was stored: {types.map((type) => <Scrubbed key={type} text={`[${type}]`} pii={types} />)} The original values are not kept.
    </p>
  )
}

function Raw({ span }: { span: Span }) {
  const size = (value: object) => <span className="quiet small" style={{ fontWeight: 400 }}>{count(Object.keys(value).length)}</span>
  return (
    <div>
      <Fold title={<>Attributes {size(span.attributes)}</>}><Json value={span.attributes} /></Fold>
      {span.events.length > 0 && <Fold title={<>Events {size(span.events)}</>}><Json value={span.events} /></Fold>}
      {span.links.length > 0 && <Fold title={<>Links {size(span.links)}</>}><Json value={span.links} /></Fold>}
      <Fold title={<>Resource {size(span.resource)}</>}>
        <Json value={{ ...span.resource, ...(span.scope ? { 'instrumentation scope': span.scope } : {}) }} />
      </Fold>
      <Fold title="Everything, as returned by the API"><Json value={span} /></Fold>
    </div>
  )
}
