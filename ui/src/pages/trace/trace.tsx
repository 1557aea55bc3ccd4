import { Button, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { IconTrash } from '@tabler/icons-react'
import { lazy, Suspense, useMemo } from 'react'
import { Problem } from '@/api/client'
import * as ask from '@/api/tracing'
import type { OutlinedTrace } from '@/api/tracing'
import { count, plural, titled } from '@/lib/format'
import { useKeys } from '@/lib/keys'
import { useAddress } from '@/lib/search'
import { type Loop, loopOf } from '@/lib/trace'
import { placeOf } from '@/lib/walk'
import { Copy } from '@/parts/copy'
import { ReleaseLink } from '@/parts/links'
import { Facts, Page } from '@/parts/page'
import { Loaded, Skeleton } from '@/parts/states'
import { KindIcon, StatusTag } from '@/parts/status'
import { Duration, Money, Person, Time, TokenCount } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { CompareMenu } from './compare-menu'
import { TraceTree } from './tree'
import { TraceWalk } from './walk'
import '@/styles/trace.css'

const TraceGraph = lazy(() => import('./graph'))
const TraceTokens = lazy(() => import('./tokens'))
const TraceScores = lazy(() => import('./scores'))
const TraceRaw = lazy(() => import('./raw'))
const ScoreForm = lazy(() => import('./score-form'))

export function TracePage() {
  const { traceId } = useParams({ strict: false }) as { traceId: string }
  const trace = useQuery(ask.outline(traceId))
  const place = placeOf(traceId)
  const title = trace.data ? titled(trace.data.name) : isDeleted(trace.error) ? 'Deleted trace' : 'Trace'
  return (
    <Page
      title={title}
      fill
      className="trace-page"
      crumbs={<Link to="/traces" search={place?.search ?? {}}>Traces</Link>}
      heading={
        <span className="line">
          {trace.data && <KindIcon kind={trace.data.kind} size={18} />}
          {title}
          {trace.data?.status === 'error' && <StatusTag status="error" />}
        </span>
      }
      actions={<>{place && <TraceWalk place={place} />}{trace.data && <><ScoreIt trace={trace.data} /><CompareMenu trace={trace.data} /></>}<Copy text={traceId}>Trace id</Copy>{!isDeleted(trace.error) && <DeleteIt id={traceId} />}</>}
    >
      <Loaded query={trace} lines={12}>{(found) => <Opened key={found.trace_id} trace={found} />}</Loaded>
    </Page>
  )
}

const isDeleted = (error: unknown) => error instanceof Problem && error.document.code === 'deleted'

/** A person's word on the whole trace. */
function ScoreIt({ trace }: { trace: OutlinedTrace }) {
  const [address, change] = useAddress()
  const access = useAccess()
  const open = () => access.write && change({ do: 'score-trace' })
  useKeys([{ keys: 's', does: 'Score this trace', run: open }])
  if (!access.write) return null
  return (
    <>
      <Button variant="default" size="compact-sm" onClick={open}>Score…</Button>
      <Suspense>{address.do === 'score-trace' && <ScoreForm subject={{ trace_id: trace.trace_id }} called={trace.name} scores={trace.scores} onClose={() => change({ do: undefined }, true)} />}</Suspense>
    </>
  )
}

/** For a secret that came where it should not be. The page it leads to shows what will go, and asks why. */
function DeleteIt({ id }: { id: string }) {
  const access = useAccess()
  if (!access.admin) return null
  return <Link to="/settings" search={{ tab: 'privacy', trace: id }} className="icon-button lined" aria-label="Delete this trace…"><IconTrash size={14} aria-hidden /></Link>
}

const TABS = ['tree', 'graph', 'tokens', 'scores', 'raw'] as const

function Opened({ trace }: { trace: OutlinedTrace }) {
  const [address, change] = useAddress()
  const loop = useMemo(() => loopOf(trace.scores), [trace.scores])
  const tab = TABS.find((one) => one === address.tab) ?? 'tree'
  if (trace.spans.length === 0) return <p className="quiet">No spans of this trace are stored.</p>
  return (
    <>
      {loop && <LoopBanner loop={loop} onShow={() => change({ tab: undefined, only: 'loop', node: undefined, find: undefined, span: loop.first[0] })} />}
      <TraceFacts trace={trace} />
      <Tabs className="trace-tabs" value={tab} onChange={(next) => change({ tab: next === 'tree' ? undefined : (next ?? undefined) })} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="tree">Tree</Tabs.Tab>
          <Tabs.Tab value="graph">Graph</Tabs.Tab>
          <Tabs.Tab value="tokens">Tokens</Tabs.Tab>
          <Tabs.Tab value="scores">Scores{trace.scores.length > 0 && <span className="quiet"> {count(trace.scores.length + trace.scores_left_out)}</span>}</Tabs.Tab>
          <Tabs.Tab value="raw">Raw</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="tree" className="trace-panel"><TraceTree trace={trace} loop={loop} /></Tabs.Panel>
        <Suspense fallback={<Skeleton />}>
          <Tabs.Panel value="graph" className="trace-panel scrolls"><TraceGraph id={trace.trace_id} /></Tabs.Panel>
          <Tabs.Panel value="tokens" className="trace-panel scrolls"><TraceTokens id={trace.trace_id} /></Tabs.Panel>
          <Tabs.Panel value="scores" className="trace-panel scrolls"><TraceScores trace={trace} /></Tabs.Panel>
          <Tabs.Panel value="raw" className="trace-panel scrolls"><TraceRaw trace={trace} /></Tabs.Panel>
        </Suspense>
      </Tabs>
    </>
  )
}

function LoopBanner({ loop, onShow }: { loop: Loop; onShow: () => void }) {
  return (
    <div className="notice unsure line" role="status">
      <span className="grow">
        <strong>A loop: </strong>
        {loop.label} {loop.first.length === 1 ? 'was called' : 'came'} {!loop.counted && 'at least '}{loop.repeats} times with the same arguments{loop.first.length > 1 && `, ${plural(loop.spans.size, 'call')} in all`}{loop.counted ? '.' : ' when it was detected at ingest.'}
      </span>
      <button type="button" className="linkish" onClick={onShow}>Show the first cycle</button>
    </div>
  )
}

function TraceFacts({ trace }: { trace: OutlinedTrace }) {
  return (
    <Facts
      rows={[
        ['Started', <Time at={trace.start} full />],
        ['Latency', <Duration ms={trace.latency_ms} />],
        ['Cost', <Money usd={trace.cost.usd} unknown={trace.cost.unknown} />],
        ['Tokens', <TokenCount input={trace.tokens.input} output={trace.tokens.output} />],
        ['Spans', <>{plural(trace.spans.length, 'span')}{trace.errors > 0 && <span className="bad">, {plural(trace.errors, 'error')}</span>}</>],
        ['User', trace.user && <Link to="/users/one" search={{ id: trace.user }}><Person actor={trace.user} /></Link>],
        ['Session', trace.session && <Link to="/sessions/one" search={{ id: trace.session }}>{trace.session}</Link>],
        ['Feature', trace.feature],
        ['Tenant', trace.tenant && <Link to="/traces" search={{ tenant: trace.tenant }}>{trace.tenant}</Link>],
        ['Cost centre', trace.cost_center],
        ['Release', trace.release && <ReleaseLink id={trace.release} />],
        ['Channel', trace.channel && <Link to="/channels/$name" params={{ name: trace.channel }}>{trace.channel}{trace.arm && `, ${trace.arm}`}</Link>],
        ['Service', trace.service],
        ['Kind', <Link key="kind" to="/steps" search={{ name: trace.name }}>steps of all traces of this kind</Link>],
      ]}
    />
  )
}
