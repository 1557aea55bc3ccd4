import { SegmentedControl, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import * as ask from '@/api/queries'
import type { ComparedItem, ComparedMetric, ComparedSide, Comparison, Run } from '@/api/types'
import { count, interval, plural, shortId, signed, words } from '@/lib/format'
import { scaleOf } from '@/lib/scale'
import { useAddress } from '@/lib/search'
import { plain, wordDiff } from '@/lib/text'
import { Whisker } from '@/parts/interval'
import { TraceLink, useReleaseName } from '@/parts/links'
import { Page, Section } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { Scrubbed, Text, Words } from '@/parts/text'
import { ItemScores } from './run'

export function Compare() {
  const [{ a, b }] = useAddress()
  if (!a || !b) {
    return (
      <Page title="Two runs" crumbs={<Link to="/runs">Runs</Link>}>
        <Empty title="Select two runs in the list to see them side by side, item by item">
          <Link to="/runs">Go to the runs</Link>
        </Empty>
      </Page>
    )
  }
  return <Both a={a} b={b} />
}

function Both({ a, b }: { a: string; b: string }) {
  const comparison = useQuery(ask.comparison(a, b))
  const left = useQuery(ask.run(a)).data
  const right = useQuery(ask.run(b)).data
  const names = [useSideName(left, a), useSideName(right, b)] as const
  return (
    <Page title={`${names[0]} against ${names[1]}`} crumbs={<><Link to="/runs">Runs</Link> · <Link to="/runs/$runId" params={{ runId: a }}>{shortId(a)}</Link> · <Link to="/runs/$runId" params={{ runId: b }}>{shortId(b)}</Link></>}>
      <Loaded query={comparison} lines={10}>{(found) => <Opened comparison={found} names={names} />}</Loaded>
    </Page>
  )
}

function useSideName(run: Run | undefined, id: string): string {
  const release = useReleaseName(run?.release)
  if (!run) return shortId(id)
  return run.release ? release : `recorded answers ${shortId(id)}`
}

function Opened({ comparison, names }: { comparison: Comparison; names: readonly [string, string] }) {
  return (
    <>
      <p className="lead">{sentence(comparison, names)}</p>
      <Section title={`Difference, ${names[1]} minus ${names[0]}`} note="paired on the same items, 95 % interval">
        {Object.entries(comparison.metrics).map(([name, metric]) => <Difference key={name} name={name} metric={metric} />)}
      </Section>
      <Items comparison={comparison} names={names} />
    </>
  )
}

function Difference({ name, metric }: { name: string; metric: ComparedMetric }) {
  const scale = scaleOf([metric.difference, ...(metric.ci ?? [])], [0])
  const tone = !metric.ci ? 'base' : metric.ci[0] > 0 ? 'good' : metric.ci[1] < 0 ? 'bad' : 'base'
  const word = tone === 'good' ? 'higher' : tone === 'bad' ? 'lower' : 'undecided'
  return (
    <div className="measure">
      <div>
        <strong>{words(name)}</strong>
        <div className="quiet small">n {count(metric.n)}</div>
      </div>
      <Whisker value={metric.difference} ci={metric.ci} scale={scale} tone={tone} zero difference />
      <div>
        <strong>{signed(metric.difference)}</strong> <span className="second">{interval(metric.ci, true)}</span> <span className={tone === 'base' ? 'quiet' : tone}>{word}</span>
        <div className="quiet small">{plural(metric.better, 'item')} better, {count(metric.worse)} worse, {count(metric.same)} the same</div>
      </div>
    </div>
  )
}

const SHOW = [
  { value: 'different', label: 'Different' },
  { value: 'worse', label: 'Worse' },
  { value: 'better', label: 'Better' },
  { value: 'all', label: 'All' },
]

function Items({ comparison, names }: { comparison: Comparison; names: readonly [string, string] }) {
  const [address, change] = useAddress()
  const metrics = Object.keys(comparison.metrics)
  const metric = address.metric ?? metrics[0] ?? ''
  const show = address.show ?? 'different'
  const items = useMemo(() => comparison.items.filter((item) => fits(item, metric, show)).slice(0, 200), [comparison.items, metric, show])
  return (
    <Section
      title="Item by item"
      note="differences first"
      end={
        <span className="line tight">
          <SegmentedControl size="xs" aria-label="Which items" data={SHOW} value={show} onChange={(value) => change({ show: value }, true)} />
          <Select size="xs" w={190} aria-label="By metric" data={metrics.map((name) => ({ value: name, label: `by ${words(name)}` }))} value={metric} onChange={(value) => change({ metric: value ?? undefined }, true)} />
        </span>
      }
    >
      {items.length === 0 && <p className="quiet">No item {show === 'all' ? 'is in both runs' : `is ${show} by ${words(metric)}`}.</p>}
      {items.map((item) => <Versus key={item.item} item={item} metric={metric} names={names} />)}
    </Section>
  )
}

function Versus({ item, metric, names }: { item: ComparedItem; metric: string; names: readonly [string, string] }) {
  const change = difference(item, metric)
  const before = item.a?.output ?? ''
  const after = item.b?.output ?? ''
  return (
    <article className="versus" aria-label={item.item}>
      <div className="line">
        <strong className="grow"><Scrubbed text={plain(item.input)} /></strong>
        {change !== null && change !== 0 && <span className={`tag ${change > 0 ? 'good' : 'bad'}`}>{change > 0 ? 'better' : 'worse'} {signed(change, 2)}</span>}
        <span className="quiet small">{item.item}{item.cluster && ` · ${item.cluster}`}</span>
      </div>
      {item.expected !== null && item.expected !== undefined && <p className="second small">Expected: {plain(item.expected)}</p>}
      <div className="sides">
        <Side name={names[0]} side={item.a}><Text text={before} /></Side>
        <Side name={names[1]} side={item.b}>{before && after && before !== after && before.length + after.length < 6000 ? <Words words={wordDiff(before, after)} /> : <Text text={after} />}</Side>
      </div>
    </article>
  )
}

function Side({ name, side, children }: { name: string; side: ComparedSide | null; children: React.ReactNode }) {
  return (
    <div className="stack" style={{ gap: '0.35rem' }}>
      <h3 className="line tight">{name} {side?.trace_id && <span style={{ fontWeight: 400 }}><TraceLink id={side.trace_id}>trace</TraceLink></span>}</h3>
      {side === null ? <span className="unknown">not in this run</span> : side.error ? <span className="bad">{side.error}</span> : side.output ? <div className="prose">{children}</div> : <span className="quiet">Empty answer.</span>}
      {side && <ItemScores item={side} />}
    </div>
  )
}

function difference(item: ComparedItem, metric: string): number | null {
  const before = item.a?.scores[metric]?.value
  const after = item.b?.scores[metric]?.value
  return typeof before === 'number' && typeof after === 'number' ? after - before : null
}

function fits(item: ComparedItem, metric: string, show: string): boolean {
  const change = difference(item, metric)
  if (show === 'all') return true
  if (show === 'worse') return change !== null && change < 0
  if (show === 'better') return change !== null && change > 0
  return change === null || change !== 0
}

/** The answer first: which measures moved for certain, and which did not. */
function sentence(comparison: Comparison, names: readonly [string, string]): string {
  const list = (sign: number) =>
    Object.entries(comparison.metrics).filter(([, metric]) => metric.ci && (sign > 0 ? metric.ci[0] > 0 : metric.ci[1] < 0)).map(([name]) => words(name))
  const [up, down] = [list(1), list(-1)]
  const rest = Object.keys(comparison.metrics).length - up.length - down.length
  const parts = [
    down.length > 0 && `lower in ${down.join(', ')}`,
    up.length > 0 && `higher in ${up.join(', ')}`,
    rest > 0 && `undecided in ${plural(rest, 'measure')}`,
  ].filter(Boolean)
  return `${names[1]} is ${parts.join('; ') || 'not comparable: the runs share no scored item'}.`
}

