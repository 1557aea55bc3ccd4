import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useMemo } from 'react'
import * as ask from '@/api/queries'
import type { Span, Trace } from '@/api/types'
import { plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { buildTree } from '@/lib/tree'
import { Copy } from '@/parts/copy'
import { ReleaseLink } from '@/parts/links'
import { Facts, Page } from '@/parts/page'
import { Loaded } from '@/parts/states'
import { KindIcon, StatusTag } from '@/parts/status'
import { Duration, Money, Person, Time, TokenCount } from '@/parts/values'
import { SpanDetail } from './span-detail'
import { SpanTree } from './span-tree'

export function TracePage() {
  const { traceId } = useParams({ strict: false }) as { traceId: string }
  const trace = useQuery(ask.trace(traceId))
  return (
    <Page
      title={trace.data?.name ?? 'Trace'}
      fill
      className="trace-page"
      crumbs={<Link to="/traces">Traces</Link>}
      heading={
        <span className="line">
          {trace.data && <KindIcon kind={trace.data.kind} size={18} />}
          {trace.data?.name ?? 'Trace'}
          {trace.data?.status === 'error' && <StatusTag status="error" />}
        </span>
      }
      actions={<Copy text={traceId}>Trace id</Copy>}
    >
      <Loaded query={trace} lines={12}>{(found) => <Opened trace={found} />}</Loaded>
    </Page>
  )
}

function Opened({ trace }: { trace: Trace }) {
  const [address, change] = useAddress()
  const tree = useMemo(() => buildTree(trace.spans), [trace.spans])
  const selected: Span | undefined = tree.byId.get(address.span ?? '')?.span ?? telling(trace.spans) ?? trace.spans[0]
  if (!selected) return <p className="quiet">No span of this trace is stored.</p>
  return (
    <>
      <TraceFacts trace={trace} />
      <div className="trace">
        <SpanTree tree={tree} selected={selected.span_id} onSelect={(span) => change({ span }, true)} />
        <SpanDetail key={selected.span_id} span={selected} scores={trace.scores} />
      </div>
    </>
  )
}

/** What to show first: the root when it says something, otherwise the first model call. */
function telling(spans: Span[]): Span | undefined {
  const root = spans.find((span) => span.parent_id === null)
  return root?.input || root?.output ? root : (spans.find((span) => span.kind === 'llm') ?? root)
}

function TraceFacts({ trace }: { trace: Trace }) {
  return (
    <Facts
      rows={[
        ['Started', <Time at={trace.start} full />],
        ['Latency', <Duration ms={trace.latency_ms} />],
        ['Cost', <Money usd={trace.cost.usd} unknown={trace.cost.unknown} />],
        ['Tokens', <TokenCount input={trace.tokens.input} output={trace.tokens.output} />],
        ['Spans', <>{plural(trace.spans.length, 'span')}{trace.errors > 0 && <span className="bad">, {plural(trace.errors, 'error')}</span>}</>],
        ['User', trace.user && <Link to="/traces" search={{ user: trace.user }}><Person actor={trace.user} /></Link>],
        ['Session', trace.session && <Link to="/traces" search={{ session: trace.session }}>{trace.session}</Link>],
        ['Release', trace.release && <ReleaseLink id={trace.release} />],
        ['Channel', trace.channel && <Link to="/channels/$name" params={{ name: trace.channel }}>{trace.channel}{trace.arm && `, ${trace.arm}`}</Link>],
        ['Service', trace.service],
      ]}
    />
  )
}
