import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { IconBell, IconDatabasePlus, IconDownload, IconGitCompare, IconLivePhoto } from '@tabler/icons-react'
import { lazy, Suspense, useEffect, useMemo, useState } from 'react'
import type { Query } from '@/api/client'
import * as ask from '@/api/search'
import type { SearchState } from '@/api/search'
import type { TraceRow } from '@/api/types'
import { views } from '@/api/views'
import { defaultView } from '@/lib/choices'
import { count, duration, plural } from '@/lib/format'
import { useKeys } from '@/lib/keys'
import { inAddress, type Order, orderOf, saidOrder } from '@/lib/order'
import { lineOf, PARAMETERS, scoresIn } from '@/lib/q'
import { sinceOf } from '@/lib/range'
import { type Search, useAddress } from '@/lib/search'
import { remember } from '@/lib/walk'
import { Copy } from '@/parts/copy'
import { Listed, type Pages, usePages } from '@/parts/list'
import { Page } from '@/parts/page'
import { SavedViews } from '@/parts/saved-views'
import { misreadOf, SearchLine } from '@/parts/search-line'
import { Skeleton } from '@/parts/states'
import { Table } from '@/parts/table'
import { TimeRange } from '@/parts/time-range'
import { useAccess } from '@/shell/access'
import { TraceFilters } from './filters'
import { ColumnMenu, columnsOf } from './columns'
import { FirstTrace, NothingFound } from './empty'

const Live = lazy(() => import('./live'))
const AddTraces = lazy(() => import('./dataset'))
const ExportTraces = lazy(() => import('./export'))

/** What a saved view of this page keeps. */
const KEPT = ['q', 'range', 'since', 'until', 'cols', 'sort']
/** As the list comes: the newest first. */
const NEWEST: Order = { by: 'start', descending: true }

export function Traces() {
  const [address, change] = useOneLine()
  const q = lineOf(address)
  const query = useMemo((): Query => ({ q: q || undefined, since: address.since ?? sinceOf(address.range), until: address.until }), [q, address.since, address.range, address.until])
  const live = address.live === '1'
  const access = useAccess()
  const order = orderOf(address.sort)
  const pages = usePages<TraceRow>({ ...ask.found({ ...query, sort: address.sort }), enabled: !live })
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const columns = useMemo(() => columnsOf(address.cols, scoresIn(q), order?.by), [address.cols, q, order?.by])
  const { rows } = pages
  useEffect(() => {
    // While a trace's page is fetched this one still stands there, and reads the other's address.
    if (rows.length > 0 && window.location.pathname === '/traces') remember(rows.map((row) => row.trace_id), address)
  }, [rows, address])
  const set = (next: string) => change({ q: next || undefined })
  const [exporting, exportThem] = useState(false)
  const misread = misreadOf(pages.query.error)
  return (
    <Page
      title="Traces"
      fill
      heading={<>Traces {!live && pages.query.data && <span className="quiet" style={{ fontWeight: 400 }}>{totalOf(pages)}</span>}</>}
      actions={
        <>
          <Chosen ids={chosen} rows={rows} />
          <SavedViews page="traces" query={kept(address, q)} onOpen={(view) => change({ ...cleared(), ...view })} />
          <Button variant={live ? 'light' : 'default'} aria-pressed={live} leftSection={<IconLivePhoto size={14} aria-hidden />} onClick={() => change({ live: live ? undefined : '1' })}>Live</Button>
          {!live && <Button variant="default" leftSection={<IconDownload size={14} aria-hidden />} onClick={() => exportThem(true)}>Export</Button>}
          {!live && q && access.write && <Button component={Link} to="/monitors/new" search={{ search: q } as never} variant="default" leftSection={<IconBell size={14} aria-hidden />}>Watch</Button>}
          {!live && <ColumnMenu cols={address.cols} onChange={(cols) => change({ cols }, true)} />}
        </>
      }
    >
      <div className="stack" style={{ gap: '0.5rem' }} role="search">
        <div className="search-row">
          <SearchLine q={q} onSearch={set} problem={misread} />
          {!live && <TimeRange address={address} change={change} />}
        </div>
        <TraceFilters q={q} onChange={set} />
        <Lag state={(pages.first as ask.Found | undefined)?.text} />
        <Among of={(pages.first as ask.Found | undefined)?.sorted_among} />
      </div>
      {live ? (
        <Suspense fallback={<Skeleton lines={4} />}><Live q={q} /></Suspense>
      ) : misread ? null : (
        <Listed pages={pages} empty={q || address.range || address.since || address.until ? <NothingFound clear={() => change(cleared())} /> : <FirstTrace />}>
          {(rows) => (
            <Table
              label={`Traces, ${order?.by === NEWEST.by ? 'oldest first' : saidOrder(order, 'newest first')}`}
              rows={rows}
              columns={columns}
              rowKey={(row) => row.trace_id}
              href={(row) => `/traces/${row.trace_id}`}
              order={order ?? NEWEST}
              onOrder={(next) => change({ sort: inAddress(next, NEWEST) })}
              chosen={chosen}
              onChoose={(key) => setChosen(toggled(chosen, key))}
              onEnd={pages.more}
              rowHeight={47}
              fill
            />
          )}
        </Listed>
      )}
      {exporting && <Suspense><ExportTraces query={query} found={`${totalOf(pages)} traces`} onClose={() => exportThem(false)} /></Suspense>}
    </Page>
  )
}

/** Links say filters as parameters; here they become parts of the one line. Without any, the reader's own first view holds. */
function useOneLine(): [Search, (next: Search, replace?: boolean) => void] {
  const [address, change] = useAddress()
  const name = defaultView.of('traces')
  const bare = Object.keys(address).length === 0
  const own = useQuery({ ...views('traces'), enabled: bare && name !== null }).data?.find((view) => view.name === name)
  const [begun, begin] = useState(false)
  const links = PARAMETERS.some((parameter) => address[parameter])
  useEffect(() => {
    if (links) change({ ...Object.fromEntries(PARAMETERS.map((parameter) => [parameter, undefined])), q: lineOf(address) }, true)
  }, [links, address, change])
  useEffect(() => {
    if (begun || (bare && name !== null && own === undefined)) return
    begin(true)
    if (bare && own) change(own.query, true)
  }, [bare, own, name, begun, change])
  return [address, change]
}

/** Two or more traces that were marked: what may be done with them. */
function Chosen({ ids, rows }: { ids: ReadonlySet<string>; rows: TraceRow[] }) {
  const navigate = useNavigate()
  const [adding, add] = useState<TraceRow[] | null>(null)
  const [a, b] = ids
  const compare = () => void navigate({ href: `/traces/compare?a=${a}&b=${b}` })
  useKeys(ids.size === 2 ? [{ keys: 'c', does: 'Compare the two that are selected', run: compare }] : [])
  if (a === undefined) return null
  const marked = rows.filter((row) => ids.has(row.trace_id))
  return (
    <>
      {ids.size === 2 && <Button leftSection={<IconGitCompare size={14} aria-hidden />} onClick={compare}>Compare the two</Button>}
      {marked.length > 0 && <Button variant="default" leftSection={<IconDatabasePlus size={14} aria-hidden />} onClick={() => add(marked)}>Golden set…</Button>}
      <Copy text={[...ids].join('\n')}>Copy {plural(ids.size, 'id')}</Copy>
      {adding && <Suspense><AddTraces rows={adding} onClose={() => add(null)} /></Suspense>}
    </>
  )
}

/** How far the index of words is: rows it does not know yet are read one by one, so nothing is missed. */
function Lag({ state }: { state: SearchState | null | undefined }) {
  if (!state || (state.state === 'ready' && state.behind.rows === 0)) return null
  const rows = plural(state.behind.rows, 'newest row')
  return (
    <p className="quiet small" role="status">
      {state.state === 'building' ? `The text index is being built; ${rows} are scanned directly until then.` : `The text index is ${duration(state.behind.seconds * 1000)} behind; the ${rows} are scanned directly, so nothing is missing.`}
    </p>
  )
}

/** Where not all that match could be put in order: what stands here is the first of the newest. */
function Among({ of }: { of: number | null | undefined }) {
  if (!of) return null
  return <p className="quiet small" role="status">Sorted among the newest {count(of)} traces that contain these words. Shorten the time range to see older ones.</p>
}

/** `10,000+` where counting stopped. */
function totalOf(pages: Pages<TraceRow>): string {
  const first = pages.first as ask.Found | undefined
  return count(pages.total) + (first?.total_is === 'at_least' ? '+' : '')
}

function kept(address: Search, q: string): Search {
  return Object.fromEntries(Object.entries({ ...address, q }).filter(([name, value]) => KEPT.includes(name) && value))
}

const cleared = (): Search => Object.fromEntries(KEPT.map((name) => [name, undefined]))

function toggled(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set)
  if (!next.delete(key)) next.add(key)
  return next
}
