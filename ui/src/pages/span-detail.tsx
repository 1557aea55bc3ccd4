import { Link } from '@tanstack/react-router'
import type { Document, Score, Span } from '@/api/types'
import { asCurl, asDatasetItem } from '@/lib/curl'
import { compact, count, duration, score as figure, shortId, words } from '@/lib/format'
import { Content } from '@/parts/chat'
import { Copy } from '@/parts/copy'
import { Json } from '@/parts/json'
import { ReleaseLink, RunLink } from '@/parts/links'
import { Facts, Section } from '@/parts/page'
import { KindIcon, StatusTag } from '@/parts/status'
import { Fold, Scrubbed, Text } from '@/parts/text'
import { Duration, Money, Person, Time, TokenCount } from '@/parts/values'

/** One span: what it was, what was said, what it found, how it was judged, and everything the sender told. */
export function SpanDetail({ span, scores }: { span: Span; scores: Score[] }) {
  const own = scores.filter((score) => score.span_id === span.span_id || (score.span_id === null && span.parent_id === null))
  return (
    <div className="detail" role="region" aria-label={`Span ${span.name}`} tabIndex={0}>
      <div className="line">
        <KindIcon kind={span.kind} size={17} />
        <h2 style={{ fontSize: 'var(--t-l)', overflowWrap: 'anywhere' }}>{span.name}</h2>
        {span.status === 'error' && <StatusTag status="error" />}
        <span className="line tight" style={{ marginLeft: 'auto' }}><CopyMenu span={span} /></span>
      </div>
      {span.status_message && <div className="notice bad"><Scrubbed text={span.status_message} pii={span.pii} /></div>}
      <SpanFacts span={span} />
      {span.pii.length > 0 && <Pii types={span.pii} />}
      {(span.input !== null || span.output !== null) && (
        <>
          <Section title="Input"><Content value={span.input} pii={span.pii} label="Input" /></Section>
          <Section title="Output"><Content value={span.output} pii={span.pii} label="Output" /></Section>
        </>
      )}
      {span.documents && span.documents.length > 0 && <Documents documents={span.documents} pii={span.pii} />}
      {own.length > 0 && <Scores scores={own} />}
      <Raw span={span} />
    </div>
  )
}

function CopyMenu({ span }: { span: Span }) {
  const curl = asCurl(span, window.location.origin)
  const link = () => {
    const url = new URL(window.location.href)
    url.searchParams.set('span', span.span_id)
    return url.toString()
  }
  return (
    <>
      {curl && <Copy text={curl} label="Copy this call as a curl command">cURL</Copy>}
      <Copy text={() => asDatasetItem(span)} label="Copy as a line of a golden set">Dataset item</Copy>
      <Copy text={link} label="Copy a link to this span">Link</Copy>
    </>
  )
}

function SpanFacts({ span }: { span: Span }) {
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
        ['Release', span.release && <ReleaseLink id={span.release} />],
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
      Scrubbed before it was stored: {types.map((type) => <Scrubbed key={type} text={`[${type}]`} pii={types} />)} The values are kept nowhere.
    </p>
  )
}

function Documents({ documents, pii }: { documents: Document[]; pii: string[] }) {
  return (
    <Section title="Retrieved" note={`${documents.length} documents, best first as the retriever ranked them`}>
      <ol>
        {documents.map((document, i) => (
          <li key={i} className="document">
            <div className="line">
              <span className="quiet">{i + 1}</span>
              <strong>{document.id ?? 'no id'}</strong>
              <span className="chip"><span className="key">score</span> {figure(document.score)}</span>
              {Object.entries(document.metadata ?? {}).slice(0, 4).map(([name, value]) => (
                <span key={name} className="chip"><span className="key">{words(name)}</span> <span className="cut">{typeof value === 'object' ? JSON.stringify(value) : String(value)}</span></span>
              ))}
            </div>
            {document.content && <div className="prose second"><Text text={document.content} pii={pii} /></div>}
          </li>
        ))}
      </ol>
    </Section>
  )
}

const SOURCES = { code: 'by a check', judge: 'by a judge model', human: 'by a person', end_user: 'by the end user' }

function Scores({ scores }: { scores: Score[] }) {
  return (
    <Section title="Scores">
      <div className="table-wrap">
        <table className="table top">
          <thead>
            <tr><th>Score</th><th className="num">Value</th><th>Source</th><th>Reason</th></tr>
          </thead>
          <tbody>
            {scores.map((score) => (
              <tr key={score.id}>
                <td><strong>{words(score.name)}</strong></td>
                <td className="num">{score.error ? <span className="bad">failed</span> : <>{figure(score.value)}{score.label && <span className="quiet"> {score.label}</span>}</>}</td>
                <td className="second">{SOURCES[score.source]}{score.author && <span className="under">{score.author}{score.version && ` v${score.version}`}</span>}</td>
                <td className="second">{score.error ?? score.reason ?? ''}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Section>
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
      <Fold title="Everything, as the API answers it"><Json value={span} /></Fold>
    </div>
  )
}
