import { SegmentedControl, Select, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/tracing'
import type { Step, Steps } from '@/api/tracing'
import { count, duration, plural, titled } from '@/lib/format'
import { rangeName, sinceOf } from '@/lib/range'
import { useAddress } from '@/lib/search'
import { TraceLink } from '@/parts/links'
import { Facts, Page } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded, Skeleton } from '@/parts/states'
import { KindIcon } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Money, Unknown } from '@/parts/values'
import '@/styles/trace.css'

const StepsGraph = lazy(() => import('./graph'))

const RANGES = ['1h', '24h', '7d', '30d']

/** The steps of all traces of a kind: which one is slow, dear, failing or finds nothing. */
export function StepsPage() {
  const [address, change] = useAddress()
  const range = address.range ?? '7d'
  const steps = useQuery(ask.steps({ name: address.name, since: sinceOf(range) }))
  const names = steps.data?.names ?? []
  return (
    <Page
      title="Steps"
      actions={
        <>
          <Select
            size="xs"
            w={260}
            searchable
            clearable
            aria-label="Kind of trace"
            placeholder="All traces"
            data={withChosen(names, address.name)}
            value={address.name ?? null}
            onChange={(name) => change({ name: name ?? undefined })}
          />
          <SegmentedControl size="xs" aria-label="Time" data={RANGES.map((one) => ({ value: one, label: one }))} value={range} onChange={(next) => change({ range: next === '7d' ? undefined : next })} />
        </>
      }
    >
      <Loaded query={steps} lines={10}>{(found) => (found.traces === 0 ? <None range={range} /> : <Opened steps={found} range={range} />)}</Loaded>
    </Page>
  )
}

/** The names of root spans with how many traces each has; one from the address stands there even without any. */
function withChosen(names: Steps['names'], chosen: string | undefined): { value: string; label: string }[] {
  const options = names.map(({ name, traces }) => ({ value: name, label: `${name} (${count(traces)})` }))
  return chosen && !names.some(({ name }) => name === chosen) ? [...options, { value: chosen, label: `${chosen} (0)` }] : options
}

function None({ range }: { range: string }) {
  return (
    <Empty title={`No such traces in the ${rangeName(range).toLowerCase()}`}>
      <p className="second prose">This page shows how long each step of an agent takes (p50 and p95 over all traces of a kind), what it costs, how often it fails or returns nothing, and its slowest calls. Choose a longer time range or another kind of trace, or <Link to="/connect">connect an application</Link> to send the first.</p>
    </Empty>
  )
}

function Opened({ steps, range }: { steps: Steps; range: string }) {
  const [address, change] = useAddress()
  const tab = address.tab === 'graph' ? 'graph' : 'table'
  return (
    <>
      <p className="lead"><Said text={steps.sentence} /></p>
      <Facts
        rows={[
          ['Traces', count(steps.traces)],
          ['Latency p50', duration(steps.latency_ms.p50)],
          ['Latency p95', duration(steps.latency_ms.p95)],
          ['Steps', plural(steps.items.length, 'step')],
          ['Window', rangeName(range)],
        ]}
      />
      <Tabs value={tab} onChange={(next) => change({ tab: next === 'table' ? undefined : (next ?? undefined) })} keepMounted={false}>
        <Tabs.List mb="sm"><Tabs.Tab value="table">Table</Tabs.Tab><Tabs.Tab value="graph">Graph</Tabs.Tab></Tabs.List>
        <Tabs.Panel value="table"><Table label="Steps, most time first" rows={steps.items} columns={columns(steps)} rowKey={(step) => `${step.kind} ${step.name}`} /></Tabs.Panel>
        <Tabs.Panel value="graph">{steps.name === null ? <p className="second prose">The graph shows one kind of trace. Choose one above.</p> : <Suspense fallback={<Skeleton />}><StepsGraph name={steps.name} since={sinceOf(range)} /></Suspense>}</Tabs.Panel>
      </Tabs>
    </>
  )
}

const columns = (steps: Steps): Column<Step>[] => [
  {
    id: 'name',
    head: 'Step',
    className: 'main-cell',
    cell: (step) => (
      <span className="line tight step-name" data-marked={step.bottleneck} style={{ flexWrap: 'nowrap' }}>
        <KindIcon kind={step.kind} />
        <Link className="cut" to="/traces" search={{ kind: step.kind, name: step.name }} title={step.name}>{titled(step.name)}</Link>
        {step.bottleneck && <span className="tag unsure">bottleneck</span>}
      </span>
    ),
  },
  { id: 'share', head: 'Share of own time', className: 'hide-s', cell: (step) => <Share of={step.time_share} marked={step.bottleneck} /> },
  { id: 'own', head: <>Own time p50 · p95</>, className: 'num', cell: (step) => <>{duration(step.own_ms.p50)} <span className="quiet">·</span> {duration(step.own_ms.p95)}</> },
  { id: 'latency', head: <>Total time p50 · p95</>, className: 'num hide-xl', cell: (step) => <>{duration(step.latency_ms.p50)} <span className="quiet">·</span> {duration(step.latency_ms.p95)}</> },
  { id: 'calls', head: 'Calls', className: 'num', cell: (step) => <>{count(step.calls)}{steps.name !== null && <span className="under">{perTrace(step.calls / steps.traces)} a trace</span>}</> },
  { id: 'errors', head: 'Errors', className: 'num', cell: (step) => (step.errors > 0 ? <span className="bad">{count(step.errors)}<span className="under">{percent(step.errors / step.calls)}</span></span> : <span className="quiet">0</span>) },
  { id: 'empty', head: 'Empty', className: 'num hide-s', cell: (step) => (step.empty_results === null ? <span className="quiet">–</span> : step.empty_results > 0 ? <>{count(step.empty_results)}<span className="under">{percent(step.empty_results / step.calls)}</span></> : <span className="quiet">0</span>) },
  { id: 'tokens', head: 'Tokens a call', className: 'num hide-l', cell: (step) => (step.tokens_per_call.p50 === null ? <span className="quiet">–</span> : <>{count(Math.round(step.tokens_per_call.p50))} <span className="quiet">·</span> {count(Math.round(step.tokens_per_call.p95 ?? 0))}</>) },
  { id: 'cost', head: 'Cost', className: 'num hide-s', cell: (step) => (step.cost.usd === null && step.cost.unknown === 0 ? <span className="quiet">–</span> : step.cost.usd === null ? <Unknown why={`No price is known for ${plural(step.cost.unknown, 'call')}.`} /> : <Money usd={step.cost.usd} unknown={step.cost.unknown} />) },
  { id: 'slowest', head: 'Slowest', className: 'num hide-m', cell: (step) => <span className="line tight" style={{ justifyContent: 'flex-end', flexWrap: 'nowrap' }}>{step.slowest.map((one) => <TraceLink key={one.span_id} id={one.trace_id} span={one.span_id}>{duration(one.latency_ms)}</TraceLink>)}</span> },
]

function Share({ of, marked }: { of: number | null; marked: boolean }) {
  if (of === null) return <Unknown />
  return (
    <span className="line tight" style={{ flexWrap: 'nowrap' }}>
      <span className="share" data-marked={marked} aria-hidden><span style={{ width: `${Math.min(100, of * 100)}%` }} /></span>
      <span className="num" style={{ minWidth: '2.6rem' }}>{percent(of)}</span>
    </span>
  )
}

const percent = (share: number) => (share > 0 && share < 0.01 ? '< 1 %' : `${Math.round(share * 100)} %`)
const perTrace = (n: number) => (n >= 10 ? String(Math.round(n)) : String(Number(n.toFixed(1))))
