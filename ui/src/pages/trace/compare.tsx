import { useVirtualizer } from '@tanstack/react-virtual'
import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useMemo, useRef } from 'react'
import * as ask from '@/api/tracing'
import type { PairRow, TracePair } from '@/api/tracing'
import type { TraceRow } from '@/api/types'
import { compact, count, duration, money, plural, shortId, words } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { ReleaseLink, TraceLink } from '@/parts/links'
import { Page, Section } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded } from '@/parts/states'
import { KindIcon, SpanSign } from '@/parts/status'
import { Duration, Money, Time, TokenCount } from '@/parts/values'
import { PairDetail } from './compare-detail'
import '@/styles/trace.css'

const ROW = 31

/** Two traces of one question: what took longer, what is only in one of them, what differs in each span. */
export function TraceCompare() {
  const [{ a, b }] = useAddress()
  if (!a || !b) {
    return (
      <Page title="Two traces" crumbs={<Link to="/traces">Traces</Link>}>
        <Empty title="Select two traces in the list to see them side by side, span by span"><Link to="/traces">Go to the traces</Link></Empty>
      </Page>
    )
  }
  return <Both a={a} b={b} />
}

function Both({ a, b }: { a: string; b: string }) {
  const pair = useQuery(ask.tracePair(a, b))
  const [, change] = useAddress()
  const title = pair.data ? (pair.data.a.name === pair.data.b.name ? `${pair.data.b.name}, twice` : `${pair.data.b.name} against ${pair.data.a.name}`) : 'Two traces'
  return (
    <Page
      title={title}
      crumbs={<><Link to="/traces">Traces</Link> · <TraceLink id={a} /> · <TraceLink id={b} /></>}
      actions={<Button variant="default" size="compact-sm" onClick={() => change({ a: b, b: a, pair: undefined })}>Swap</Button>}
    >
      <Loaded query={pair} lines={10}>{(found) => <Opened pair={found} />}</Loaded>
    </Page>
  )
}

function Opened({ pair }: { pair: TracePair }) {
  const [address, change] = useAddress()
  const rows = useMemo(() => (address.show === 'different' ? pair.rows.filter(differs) : pair.rows), [pair.rows, address.show])
  const chosen = pair.rows.find((row) => keyOf(row) === address.pair) ?? pair.rows.find((row) => row.changed.includes('output')) ?? pair.rows[0]
  return (
    <>
      <p className="lead"><Said text={pair.sentence} /></p>
      <Whole a={pair.a} b={pair.b} />
      <Section
        title="Span by span"
        note={`${plural(pair.matched, 'span')} in both, ${count(pair.only_a)} only in the first, ${count(pair.only_b)} only in the second`}
        end={<button type="button" className="filter" data-set={address.show === 'different'} aria-pressed={address.show === 'different'} onClick={() => change({ show: address.show === 'different' ? undefined : 'different' }, true)}>only what differs</button>}
      >
        <Rows rows={rows} chosen={chosen && keyOf(chosen)} onChoose={(key) => change({ pair: key }, true)} />
      </Section>
      {chosen && <PairDetail key={keyOf(chosen)} pair={pair} row={chosen} />}
    </>
  )
}

const keyOf = (row: PairRow) => `${row.a?.span_id ?? ''}-${row.b?.span_id ?? ''}`
const differs = (row: PairRow) => !row.a || !row.b || row.changed.length > 0

/** Both traces as a whole, one above the other, so that figures stand under figures. */
function Whole({ a, b }: { a: TraceRow; b: TraceRow }) {
  return (
    <div className="table-wrap">
      <table className="table" aria-label="The two traces">
        <thead><tr><th>Trace</th><th className="hide-s">Began</th><th className="num">Latency</th><th className="num hide-s">Tokens</th><th className="num">Cost</th><th className="num hide-s">Spans</th><th className="num">Errors</th><th className="hide-m">Models</th><th className="hide-m">Release</th></tr></thead>
        <tbody>
          {([['First', a], ['Second', b]] as const).map(([name, row]) => (
            <tr key={name}>
              <td className="nowrap">{name} <TraceLink id={row.trace_id}>{shortId(row.trace_id)}</TraceLink></td>
              <td className="hide-s"><Time at={row.start} /></td>
              <td className="num"><Duration ms={row.latency_ms} /></td>
              <td className="num hide-s"><TokenCount input={row.tokens.input} output={row.tokens.output} /></td>
              <td className="num"><Money usd={row.cost.usd} unknown={row.cost.unknown} /></td>
              <td className="num hide-s">{count(row.spans)}</td>
              <td className="num">{row.errors > 0 ? <span className="bad">{count(row.errors)}</span> : 0}</td>
              <td className="hide-m">{row.models.join(', ') || <span className="quiet">none</span>}</td>
              <td className="hide-m"><ReleaseLink id={row.release} /></td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Rows({ rows, chosen, onChoose }: { rows: PairRow[]; chosen: string | undefined; onChoose: (key: string) => void }) {
  const scroller = useRef<HTMLDivElement>(null)
  const virtual = useVirtualizer({ count: rows.length, getScrollElement: () => scroller.current, estimateSize: () => ROW, overscan: 10 })
  if (rows.length === 0) return <p className="quiet">Only times and tokens differ.</p>
  return (
    <div className="pairs" ref={scroller} role="region" aria-label="Spans of both traces" tabIndex={0}>
      <div className="pair-head" aria-hidden><span>Span</span><span className="num">First</span><span className="num">Second</span><span>Differs</span></div>
      <ul style={{ height: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index]!
          const key = keyOf(row)
          return <PairLine key={key} row={row} top={item.start} chosen={key === chosen} onChoose={() => onChoose(key)} />
        })}
      </ul>
    </div>
  )
}

function PairLine({ row, top, chosen, onChoose }: { row: PairRow; top: number; chosen: boolean; onChoose: () => void }) {
  const { a, b } = row
  return (
    <li className="pair-row" style={{ transform: `translateY(${top}px)` }} data-only={!a ? 'b' : !b ? 'a' : undefined}>
      <button type="button" className="plain who" aria-pressed={chosen} style={{ paddingLeft: `${Math.min(row.depth, 12) * 0.85}rem` }} onClick={onChoose}>
        <KindIcon kind={row.kind} /> <span className="cut">{row.name}</span> {(b ?? a) && <SpanSign status={(b ?? a)!.status} />}
      </button>
      <Figures side={a} />
      <Figures side={b} than={a} />
      <span className="cut small">{!a ? <span className="tag neutral">only in the second</span> : !b ? <span className="tag neutral">only in the first</span> : row.changed.map((name) => <span key={name} className="chip">{words(name)}</span>)}</span>
    </li>
  )
}

function Figures({ side, than }: { side: PairRow['a']; than?: PairRow['a'] | undefined }) {
  if (!side) return <span className="num quiet">–</span>
  const tokens = side.tokens?.input_total ?? null
  return (
    <span className="pair-figures">
      <span className="quiet small pair-more">{tokens !== null && `${compact(tokens)} → ${compact(side.tokens?.output_total)}`}{tokens !== null && side.cost !== null && ' · '}{side.cost !== null && money(side.cost)}</span>
      <span className="nowrap">{duration(side.latency_ms)}</span>
      {than !== undefined && <span className="nowrap">{than && <Change from={than.latency_ms} to={side.latency_ms} />}</span>}
    </span>
  )
}

/** How many times longer or shorter, where that is worth a look. */
function Change({ from, to }: { from: number; to: number }) {
  if (Math.abs(to - from) < 20 || from <= 0 || to <= 0) return null
  const ratio = to / from
  if (ratio < 1.25 && ratio > 0.8) return null
  return <span className={ratio > 1 ? 'bad small' : 'good small'}>{ratio > 1 ? `${times(ratio)} longer` : `${times(1 / ratio)} shorter`}</span>
}

const times = (ratio: number) => `${ratio >= 10 ? Math.round(ratio) : ratio.toFixed(1)}×`
