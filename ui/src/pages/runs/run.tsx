import { SegmentedControl, Select, Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Estimate, Run, RunItem } from '@/api/types'
import { count, duration, interval, plural, score, shortId, words } from '@/lib/format'
import { scoreScale } from '@/lib/scale'
import { useAddress } from '@/lib/search'
import { headline, plain } from '@/lib/text'
import { ReasonDialog } from '@/parts/dialog'
import { Whisker } from '@/parts/interval'
import { Listed, More, usePages } from '@/parts/list'
import { ReleaseLink, TraceLink, useReleaseName } from '@/parts/links'
import { Facts, Page, Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { Scrubbed } from '@/parts/scrubbed'
import { Fold, Text } from '@/parts/text'
import { Duration, Money, Person, Time } from '@/parts/values'
import { VerdictCard } from '@/parts/verdict'
import { useAccess } from '@/shell/access'

export function RunPage() {
  const { runId } = useParams({ strict: false }) as { runId: string }
  const run = useQuery(ask.run(runId))
  const name = useReleaseName(run.data?.release)
  const title = run.data ? `${run.data.release ? name : 'Recorded answers'} on ${run.data.dataset.name} v${run.data.dataset.version}` : 'Run'
  return (
    <Page
      title={title}
      crumbs={<><Link to="/runs">Runs</Link> · <span title={runId}>{shortId(runId)}</span></>}
      heading={<span className="line">{title} {run.data && <StatusTag status={run.data.status} />}</span>}
      actions={run.data && <Actions run={run.data} />}
    >
      <Loaded query={run} lines={10}>{(found) => <Opened run={found} />}</Loaded>
    </Page>
  )
}

function Actions({ run }: { run: Run }) {
  const [cancelling, setCancelling] = useState(false)
  const others = useQuery(ask.recentRuns)
  const navigate = useNavigate()
  const access = useAccess()
  const going = run.status === 'queued' || run.status === 'running'
  const data = (others.data?.items ?? []).filter((one) => one.id !== run.id && one.dataset.name === run.dataset.name)
  return (
    <>
      {data.length > 0 && (
        <Select
          size="xs"
          w={230}
          aria-label="Compare with another run"
          placeholder="Compare with…"
          data={data.map((one) => ({ value: one.id, label: `${shortId(one.id)}, ${one.dataset.name} v${one.dataset.version}` }))}
          value={null}
          onChange={(a) => a && void navigate({ to: '/runs/compare', search: { a, b: run.id } })}
        />
      )}
      {going && (
        <ReasonedButton variant="default" why={access.why} onClick={() => setCancelling(true)}>Cancel the run</ReasonedButton>
      )}
      <ReasonDialog opened={cancelling} onClose={() => setCancelling(false)} title="Cancel this run" action="Cancel the run" danger done="The run is cancelled." send={(reason) => post(`/runs/${encodeURIComponent(run.id)}/cancel`, { reason })}>
        <p>{plural(run.progress.done, 'answered item')} keep their scores; the rest are not asked.</p>
      </ReasonDialog>
    </>
  )
}

function Opened({ run }: { run: Run }) {
  const { done, total, errors } = run.progress
  const verdicts = useQuery(ask.verdicts({ run: run.id }))
  const own = verdicts.data?.items.filter((verdict) => verdict.run === run.id) ?? []
  return (
    <>
      {done < total && run.status === 'running' && (
        <div className="stack" style={{ gap: '0.3rem' }}>
          <div className="progress" role="progressbar" aria-valuenow={done} aria-valuemin={0} aria-valuemax={total} aria-label="Items answered"><div style={{ width: `${(done / total) * 100}%` }} /></div>
          <span className="second small">{count(done)} of {plural(total, 'item')}</span>
        </div>
      )}
      {run.error && <div className="notice bad">{run.error}</div>}
      <Facts
        rows={[
          ['Release', run.release ? <ReleaseLink id={run.release} /> : 'recorded answers'],
          ['Items', <>{count(done)}{errors > 0 && <span className="bad">, {plural(errors, 'error')}</span>}</>],
          ['Latency p50, p95', <>{duration(run.latency_ms.p50)}, {duration(run.latency_ms.p95)}</>],
          ['Cost', <Money usd={run.cost.usd} unknown={run.cost.unknown} />],
          ['Asked', run.endpoint ?? 'through the gateway'],
          ['Started', <Time at={run.started_at} full />],
          ['By', <Person actor={run.created_by} />],
        ]}
      />
      {own.map((one) => <JudgedBy key={one.id} id={one.id} />)}
      <Section title="Scores" note="mean, 95 % interval, n and errors"><Scores scores={run.scores} /></Section>
      <Items run={run} />
    </>
  )
}

/** The list of verdicts comes without metrics; each card asks for its own. */
function JudgedBy({ id }: { id: string }) {
  const verdict = useQuery(ask.verdict(id))
  return <Loaded query={verdict} lines={3}>{(found) => <VerdictCard verdict={found} />}</Loaded>
}

export function VerdictPage() {
  const { verdictId } = useParams({ strict: false }) as { verdictId: string }
  return (
    <Page title="Verdict" crumbs={<Link to="/releases">Releases</Link>}>
      <JudgedBy id={verdictId} />
    </Page>
  )
}

function Scores({ scores }: { scores: Record<string, Estimate> }) {
  const rows = Object.entries(scores)
  if (rows.length === 0) return <p className="quiet">No score yet.</p>
  return (
    <div className="table-wrap">
      <table className="table" aria-label="Scores">
        <thead>
          <tr><th>Metric</th><th className="num">Mean</th><th style={{ width: '34%' }} className="hide-s">0 to 1, or its own range</th><th className="nowrap">95 % interval</th><th className="num">n</th><th className="num">Errors</th><th className="hide-m">Method</th></tr>
        </thead>
        <tbody>
          {rows.map(([name, one]) => (
            <tr key={name}>
              <td><strong>{words(name)}</strong></td>
              <td className="num"><strong>{score(one.mean)}</strong></td>
              <td className="hide-s"><Whisker value={one.mean} ci={one.ci} scale={scoreScale([one.mean, ...(one.ci ?? [])])} /></td>
              <td className="second nowrap">{interval(one.ci)}</td>
              <td className="num">{count(one.n)}</td>
              <td className="num">{one.errors > 0 ? <span className="bad">{count(one.errors)}</span> : 0}</td>
              <td className="hide-m quiet">{one.method ? words(one.method) : ''}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Items({ run }: { run: Run }) {
  const [address, change] = useAddress()
  const pages = usePages<RunItem>({ ...ask.runItems(run.id), refetchInterval: run.status === 'running' ? 4_000 : false })
  const metrics = Object.keys(run.scores)
  const metric = address.metric ?? metrics[0]
  const rows = useMemo(() => ordered(pages.rows, address.show ?? 'worst', metric), [pages.rows, address.show, metric])
  return (
    <Section
      title="Items"
      end={
        <span className="line tight">
          <SegmentedControl size="xs" aria-label="Order" value={address.show ?? 'worst'} onChange={(show) => change({ show: show === 'worst' ? undefined : show }, true)} data={[{ value: 'worst', label: 'Worst first' }, { value: 'errors', label: 'Errors' }, { value: 'all', label: 'As asked' }]} />
          {metrics.length > 0 && <Select size="xs" w={190} aria-label="By metric" data={metrics.map((name) => ({ value: name, label: `by ${words(name)}` }))} value={metric ?? null} onChange={(value) => change({ metric: value ?? undefined }, true)} />}
        </span>
      }
    >
      <Listed pages={pages} empty={<p className="quiet">No items answered yet.</p>}>
        {() => (
          <>
            {rows.length === 0 && <p className="quiet">No item had an error.</p>}
            {rows.map((item) => <Item key={`${item.item}/${item.repeat ?? 0}`} item={item} metric={metric} />)}
            <More pages={pages} noun="item" />
          </>
        )}
      </Listed>
    </Section>
  )
}

function Item({ item, metric }: { item: RunItem; metric?: string }) {
  const first = metric ? item.scores[metric] : undefined
  return (
    <Fold
      title={
        <>
          <span className="num" style={{ minWidth: '3.2rem' }}>{first?.error ? <span className="bad">error</span> : score(first?.value)}</span>
          <span className="cut grow" style={{ fontWeight: 450 }}><Scrubbed text={headline(item.input)} /></span>
          {item.error && <StatusTag status="error" />}
          <span className="quiet small nowrap hide-s" style={{ fontWeight: 400 }}>{item.item}</span>
        </>
      }
    >
      <div className="stack" style={{ paddingLeft: '1.2rem' }}>
        {item.error && <ProblemNote error={new Error(item.error)} />}
        <div className="sides">
          <div><h3>Answer</h3><Text text={item.output ?? ''} />{item.output === null && <span className="unknown">none</span>}</div>
          <div><h3>Expected</h3><Text text={plain(item.expected)} />{item.expected === null && <span className="unknown">not said</span>}</div>
        </div>
        <ItemScores item={item} />
        <div className="line small quiet">
          {item.trace_id && <TraceLink id={item.trace_id}>Open its trace</TraceLink>}
          <Duration ms={item.latency_ms} />
          <Money usd={item.cost} />
          {item.cluster && <span>cluster {item.cluster}</span>}
          {item.tags.map((tag) => <span key={tag} className="chip">{tag}</span>)}
        </div>
      </div>
    </Fold>
  )
}

export function ItemScores({ item }: { item: Pick<RunItem, 'scores'> }) {
  return (
    <div className="line tight">
      {Object.entries(item.scores).map(([name, one]) => (
        <Tooltip key={name} label={one.error ?? one.reason ?? 'No reason was given.'} multiline maw={420}>
          <span className="chip" tabIndex={0}><span className="key">{words(name)}</span> {one.error ? <span className="bad">error</span> : <strong>{score(one.value, 2)}</strong>}</span>
        </Tooltip>
      ))}
    </div>
  )
}

/** An item whose score failed comes before the worst score: it is counted, never hidden. */
function ordered(items: RunItem[], show: string, metric: string | undefined): RunItem[] {
  if (show === 'all') return items
  const failed = (item: RunItem) => item.error !== null || Object.values(item.scores).some((one) => one.error !== null)
  if (show === 'errors') return items.filter(failed)
  const rank = (item: RunItem) => (item.error !== null ? -2 : ((metric ? item.scores[metric]?.value : null) ?? -1))
  return [...items].sort((a, b) => rank(a) - rank(b))
}
