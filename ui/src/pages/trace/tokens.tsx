import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/tracing'
import type { TokenCall, TokenUse } from '@/api/tracing'
import { capital, compact, count, plural } from '@/lib/format'
import { TraceLink } from '@/parts/links'
import { Facts, Section } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded } from '@/parts/states'
import { KindIcon } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/scrubbed'
import { Fold } from '@/parts/text'
import { Money, TokenCount, Unknown } from '@/parts/values'

/** Where the tokens of a trace went: by part of the prompt, by call, and what was sent again and again. */
export default function TraceTokens({ id }: { id: string }) {
  const use = useQuery(ask.tokenUse(id))
  return <Loaded query={use} lines={10}>{(found) => (found.llm_calls === 0 ? <None /> : <Opened use={found} />)}</Loaded>
}

function None() {
  return (
    <Empty title="No model calls in this trace">
      <p className="second prose">For model calls (spans of kind llm), this shows which part of the prompt the tokens went to, what each call added to the context, and which texts were sent repeatedly.</p>
    </Empty>
  )
}

function Opened({ use }: { use: TokenUse }) {
  return (
    <>
      <p className="lead"><Said text={use.sentence} /></p>
      <Facts
        rows={[
          ['Model calls', count(use.llm_calls)],
          ['Tokens', <TokenCount key="tokens" input={use.tokens.input_total} output={use.tokens.output_total} />],
          ['Cost', <Money key="cost" usd={use.cost.usd} unknown={use.cost.unknown} />],
          ['Sent again', use.resent_share === null ? <Unknown key="again" why="These calls did not report their tokens." /> : `${compact(use.resent_tokens)} tokens, ${share(use.resent_share)}`],
          ['Empty tool results', use.tool_calls > 0 && use.empty_tool_results !== null && `${count(use.empty_tool_results)} of ${count(use.tool_calls)}`],
        ]}
      />
      <Sections use={use} />
      <Calls use={use} />
      <Repeated use={use} />
      <Section title="By step" note="each call counted once, however it is rolled up"><Table label="Tokens by step" rows={use.nodes} columns={NODES} rowKey={(node) => `${node.kind} ${node.name}`} /></Section>
    </>
  )
}

function Sections({ use }: { use: TokenUse }) {
  const most = Math.max(...use.sections.map((section) => section.tokens), 1)
  return (
    <Section title="By part of the prompt" note={`over ${plural(use.llm_calls, 'call')}; each call's input tokens, divided among its parts by length`}>
      <ol className="bars">
        {use.sections.map((section) => (
          <li key={section.section}>
            <span>{capital(section.section)} <span className="quiet small">{plural(section.messages, 'text')}</span></span>
            <span className="bar-track" aria-hidden><span style={{ width: `${(section.tokens / most) * 100}%` }} data-role={section.section} /></span>
            <span className="num">{compact(section.tokens)} <span className="quiet">{section.share === null ? '' : share(section.share)}</span></span>
          </li>
        ))}
      </ol>
    </Section>
  )
}

/** Each call's context: what it repeats, what is new, what came back. */
function Calls({ use }: { use: TokenUse }) {
  const most = Math.max(...use.calls.map((call) => (call.input_tokens ?? 0) + (call.output_tokens ?? 0)), 1)
  return (
    <Section
      title="What each call added to the context"
      note="in start order"
      end={<span className="legend"><Swatch tone="again" name="sent again" /><Swatch tone="fresh" name="added" /><Swatch tone="output" name="answered" /></span>}
    >
      <ol className="bars calls">
        {use.calls.map((call, i) => <CallRow key={call.span_id} call={call} number={i + 1} most={most} trace={use.trace_id} />)}
      </ol>
    </Section>
  )
}

function CallRow({ call, number, most, trace }: { call: TokenCall; number: number; most: number; trace: string }) {
  const width = (n: number | null) => `${((n ?? 0) / most) * 100}%`
  return (
    <li>
      <span className="cut"><span className="quiet">{number}</span> <TraceLink id={trace} span={call.span_id}>{call.name}</TraceLink></span>
      {call.input_tokens === null ? (
        <Unknown why="The provider did not report token counts." />
      ) : (
        <span className="bar-track stacked" aria-hidden>
          <span data-tone="again" style={{ width: width(call.resent_tokens) }} /><span data-tone="fresh" style={{ width: width(call.added_tokens) }} /><span data-tone="output" style={{ width: width(call.output_tokens) }} />
        </span>
      )}
      <span className="num nowrap">{compact(call.input_tokens)} <span className="quiet">→</span> {compact(call.output_tokens)}<span className="sr"> tokens, {call.resent_tokens === null ? 'an unknown number of them' : `${count(call.resent_tokens)} of them`} sent before</span></span>
      {call.added.length > 0 && (
        <Fold title={<span className="second small" style={{ fontWeight: 400 }}>added {added(call)}</span>}>
          <ul className="stack" style={{ gap: '0.3rem' }}>
            {call.added.map((one, i) => (
              <li key={i} className="line tight small">
                <span className="chip">{one.role}</span> <strong className="nowrap">{one.tokens === null ? 'unknown' : plural(one.tokens, 'token')}</strong>
                {one.from && <span className="nowrap second">from <KindIcon kind={one.from.kind} size={12} /> <TraceLink id={trace} span={one.from.span_id}>{one.from.name}</TraceLink></span>}
                <span className="quiet grow added-text"><Scrubbed text={one.preview} /></span>
              </li>
            ))}
          </ul>
        </Fold>
      )}
    </li>
  )
}

/** Where what is new came from: `820 tokens from search, 40 as user`. */
function added(call: TokenCall): string {
  const sums = new Map<string, number>()
  for (const one of call.added) {
    const what = one.from ? `from ${one.from.name}` : `as ${one.role}`
    sums.set(what, (sums.get(what) ?? 0) + (one.tokens ?? 0))
  }
  const parts = [...sums].sort((a, b) => b[1] - a[1])
  const counted = call.added_tokens !== null
  return parts.slice(0, 3).map(([what, n]) => (counted ? `${compact(n)} ${what}` : what)).join(', ') + (parts.length > 3 ? `, ${parts.length - 3} more` : '')
}

function Repeated({ use }: { use: TokenUse }) {
  return (
    <Section title="Sent repeatedly" note="a prefix cache, a shorter history or a summary would save these; the cost is an upper bound, at each call's mean price">
      {use.repeated.length === 0 ? (
        <p className="quiet">No text in this trace was sent twice.</p>
      ) : (
        <Table label="Texts that were sent more than once" rows={use.repeated} columns={REPEATED} rowKey={(row) => row.hash} />
      )}
    </Section>
  )
}

const REPEATED: Column<TokenUse['repeated'][number]>[] = [
  { id: 'text', head: 'Text', className: 'main-cell', cell: (row) => <div className="cut" title={row.preview}><span className="chip">{row.role}</span> <Scrubbed text={row.preview.replace(/\s+/g, ' ')} /></div> },
  { id: 'times', head: 'Times', className: 'num', cell: (row) => `${count(row.times)}×` },
  { id: 'each', head: 'Each', className: 'num hide-s', cell: (row) => (row.tokens_each === null ? <Unknown /> : compact(row.tokens_each)) },
  { id: 'wasted', head: 'Wasted', className: 'num', cell: (row) => (row.tokens_wasted === null ? <Unknown /> : <strong>{compact(row.tokens_wasted)}</strong>) },
  { id: 'usd', head: 'Cost of that', className: 'num hide-s', cell: (row) => <Money usd={row.usd} /> },
]

const NODES: Column<TokenUse['nodes'][number]>[] = [
  { id: 'name', head: 'Step', className: 'main-cell', cell: (node) => <span className="line tight" style={{ flexWrap: 'nowrap' }}><KindIcon kind={node.kind} /><span className="cut">{node.name}</span></span> },
  { id: 'calls', head: 'Calls', className: 'num', cell: (node) => count(node.calls) },
  { id: 'fresh', head: 'Fresh input', className: 'num hide-s', cell: (node) => compact(node.tokens.fresh_input) },
  { id: 'cache', head: 'From cache', className: 'num hide-s', cell: (node) => compact(node.tokens.cache_read) },
  { id: 'output', head: 'Output', className: 'num', cell: (node) => compact(node.tokens.output_total) },
  { id: 'cost', head: 'Cost', className: 'num', cell: (node) => <Money usd={node.cost.usd} unknown={node.cost.unknown} /> },
]

const Swatch = ({ tone, name }: { tone: string; name: string }) => <span><span className="tone" data-tone={tone} aria-hidden /> {name}</span>
const share = (part: number) => `${part > 0 && part < 0.01 ? '< 1' : Math.round(part * 100)} %`
