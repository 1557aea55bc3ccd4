import { SegmentedControl, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo } from 'react'
import * as ask from '@/api/queries'
import type { ComparedItem, ComparedMetric, ComparedSide, Comparison, Run } from '@/api/types'
import { count, interval, plural, shortId, signed, words } from '@/lib/format'
import { type Scale, scaleOf } from '@/lib/scale'
import { useAddress } from '@/lib/search'
import { alike, headline, plain, wordDiff } from '@/lib/text'
import { ScaleNote, Whisker } from '@/parts/interval'
import { TraceLink, useReleaseName } from '@/parts/links'
import { Page, Section } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { Scrubbed } from '@/parts/scrubbed'
import { Text, Words } from '@/parts/text'
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
    <Page title={`${names[1]} against ${names[0]}`} crumbs={<><Link to="/runs">Runs</Link> · <Link to="/runs/$runId" params={{ runId: a }}>{shortId(a)}</Link> · <Link to="/runs/$runId" params={{ runId: b }}>{shortId(b)}</Link></>}>
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
  const lower = useLowerIsBetter()
  const measures = Object.entries(comparison.metrics)
  const shared = sharedScale(measures.map(([, metric]) => metric))
  return (
    <>
      <p className="lead">{sentence(comparison, names, lower)}</p>
      <Section title={`Difference, ${names[1]} minus ${names[0]}`} note="paired on the same items, 95 % interval">
        {measures.map(([name, metric]) => <Difference key={name} name={name} metric={metric} lower={lower.has(name)} shared={shared} />)}
        {shared && <div className="measure"><span /><ScaleNote marks={[shared.low * 0.9, 0, shared.high * 0.9].map((value) => ({ at: shared.at(value), label: signed(value, 2) }))} /><span /></div>}
      </Section>
      <Items comparison={comparison} names={names} lower={lower} />
    </>
  )
}

/** Metrics where less is better, such as latency: their differences are coloured the other way round. */
function useLowerIsBetter(): ReadonlySet<string> {
  const checks = useQuery(ask.checks)
  return useMemo(() => new Set(checks.data?.items.filter((check) => check.direction === 'lower').map((check) => check.name)), [checks.data])
}

/** Shares are drawn on one scale, so that their whiskers can be compared; milliseconds get their own. */
function sharedScale(metrics: ComparedMetric[]): Scale | null {
  const small = metrics.filter(isShare).flatMap((metric) => [metric.difference, ...(metric.ci ?? [])])
  return small.length > 0 ? scaleOf(small, [0]) : null
}

const isShare = (metric: ComparedMetric) => [metric.difference, ...(metric.ci ?? [])].every((value) => value === null || Math.abs(value) <= 1)

type Finding = 'better' | 'worse' | 'undecided' | 'not compared'

function finding(metric: ComparedMetric, lower: boolean): Finding {
  if (metric.n === 0) return 'not compared'
  if (!metric.ci || (metric.ci[0] <= 0 && metric.ci[1] >= 0)) return 'undecided'
  return metric.ci[0] > 0 !== lower ? 'better' : 'worse'
}

const TONES = { better: 'good', worse: 'bad', undecided: 'base', 'not compared': 'base' } as const

function Difference({ name, metric, lower, shared }: { name: string; metric: ComparedMetric; lower: boolean; shared: Scale | null }) {
  const scale = shared && isShare(metric) ? shared : scaleOf([metric.difference, ...(metric.ci ?? [])], [0])
  const found = finding(metric, lower)
  return (
    <div className="measure">
      <div>
        <strong>{words(name)}</strong>
        <div className="quiet small">n {count(metric.n)}{lower && ' · lower is better'}</div>
      </div>
      <Whisker value={metric.difference} ci={metric.ci} scale={scale} tone={TONES[found]} zero difference />
      <div>
        {metric.n > 0 && <><strong>{signed(metric.difference)}</strong> <span className="second">{interval(metric.ci, true)}</span> </>}<span className={TONES[found] === 'base' ? 'quiet' : TONES[found]}>{found}</span>
        <div className="quiet small">{metric.n > 0 ? `${plural(metric.better, 'item')} better, ${count(metric.worse)} worse, ${count(metric.same)} the same` : 'no item has this score in both runs'}</div>
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

function Items({ comparison, names, lower }: { comparison: Comparison; names: readonly [string, string]; lower: ReadonlySet<string> }) {
  const [address, change] = useAddress()
  const metrics = Object.keys(comparison.metrics)
  const metric = address.metric ?? metrics[0] ?? ''
  const show = address.show ?? 'different'
  const sign = lower.has(metric) ? -1 : 1
  const items = useMemo(() => comparison.items.filter((item) => fits(item, metric, show, sign)).slice(0, 200), [comparison.items, metric, show, sign])
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
      {items.map((item) => <Versus key={item.item} item={item} metric={metric} names={names} sign={sign} />)}
    </Section>
  )
}

function Versus({ item, metric, names, sign }: { item: ComparedItem; metric: string; names: readonly [string, string]; sign: number }) {
  const change = difference(item, metric)
  const before = item.a?.output ?? ''
  const after = item.b?.output ?? ''
  return (
    <article className="versus" aria-label={item.item}>
      <div className="line">
        <strong className="grow"><Scrubbed text={headline(item.input)} /></strong>
        {change !== null && change !== 0 && <span className={`tag ${change * sign > 0 ? 'good' : 'bad'}`}>{change * sign > 0 ? 'better' : 'worse'} {signed(change, 2)}</span>}
        <span className="quiet small">{item.item}{item.cluster && ` · ${item.cluster}`}</span>
      </div>
      {item.expected !== null && item.expected !== undefined && <p className="second small">Expected: {plain(item.expected)}</p>}
      <div className="sides">
        <Side name={names[0]} side={item.a}><Text text={before} /></Side>
        <Side name={names[1]} side={item.b}><Changed before={before} after={after} /></Side>
      </div>
    </article>
  )
}

/** The answer with what changed marked, where the two are alike enough for that to be easier to read. */
function Changed({ before, after }: { before: string; after: string }) {
  const changes = useMemo(() => (before && before !== after && before.length + after.length < 8000 ? wordDiff(before, after) : null), [before, after])
  return changes && alike(changes) > 0.35 ? <Words words={changes} /> : <Text text={after} />
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

function fits(item: ComparedItem, metric: string, show: string, sign: number): boolean {
  const change = difference(item, metric)
  if (show === 'all') return true
  if (show === 'worse') return change !== null && change * sign < 0
  if (show === 'better') return change !== null && change * sign > 0
  return change === null || change !== 0
}

/** The answer first: which measures moved for certain, and which did not. */
function sentence(comparison: Comparison, names: readonly [string, string], lower: ReadonlySet<string>): string {
  const metrics = Object.entries(comparison.metrics)
  const found = (what: Finding) => metrics.filter(([name, metric]) => finding(metric, lower.has(name)) === what).map(([name]) => words(name))
  const [worse, better, undecided] = [found('worse'), found('better'), found('undecided')]
  const parts = [
    worse.length > 0 && `worse in ${worse.join(', ')}`,
    better.length > 0 && `better in ${better.join(', ')}`,
    undecided.length > 0 && `undecided in ${undecided.join(', ')}`,
  ].filter(Boolean)
  return parts.length > 0 ? `${names[1]} is ${parts.join('; ')}.` : 'The two runs share no scored item.'
}
