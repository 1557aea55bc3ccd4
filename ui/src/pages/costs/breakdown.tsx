import { Button, Menu, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconDownload } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { address as addressOf } from '@/api/client'
import * as ask from '@/api/costs'
import type { CostGroup } from '@/api/costs'
import { count, money, plural, words } from '@/lib/format'
import { against } from '@/lib/money'
import { rangeName } from '@/lib/range'
import type { Search } from '@/lib/search'
import { ReleaseLink, useReleaseNames } from '@/parts/links'
import { Section } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Money, Time, TokenCount } from '@/parts/values'
import { COST_FILTERS, filtersOf, ShareBar, Sums, tracesOf, windowOf } from './parts'

const SpendChart = lazy(async () => ({ default: (await import('./chart')).SpendChart }))

const GROUPS = [
  'model', 'provider', 'user', 'session', 'name', 'prompt', 'prompt_version', 'release', 'channel', 'arm', 'run', 'environment', 'service',
  'kind', 'endpoint', 'feature', 'tenant', 'cost_center', 'tag',
]

interface Props {
  address: Search
  change: (next: Search) => void
}

/** What was spent and on what: a sentence, a picture, the groups, and the report for those who pay. */
export function Breakdown({ address, change }: Props) {
  const group = address.by ?? 'model'
  const bin = address.range === '24h' ? 'hour' : 'day'
  const filters = filtersOf(address)
  const { since } = windowOf(address)
  const releaseName = useReleaseNames(group === 'release')
  const found = useQuery(ask.breakdown({ group_by: group, since, bin, limit: 100, ...filters }))
  return (
    <Loaded query={found}>
      {(costs) =>
        costs.total.calls === 0 ? (
          <NoCall narrowed={Object.keys(filters).length > 0} range={address.range ?? '7d'} />
        ) : (
          <div className="stack" style={{ gap: 'var(--gap)' }}>
            <Lead costs={costs} range={address.range ?? '7d'} filters={filters} />
            <Sums sums={costs.total} href={tracesOf(filters, since)} />
            <Suspense fallback={<div className="chart" />}><SpendChart found={costs} bin={bin} name={(value) => (group === 'release' && value !== null ? releaseName(value) : nameOf(group, value))} /></Suspense>
            <Section
              title={`By ${words(group)}`}
              note={costs.overlapping ? 'a call with two tags counts in both groups, so they add up to more than the total' : 'most expensive first'}
              end={
                <span className="line">
                  <Select size="xs" aria-label="Group by" data={GROUPS.map((value) => ({ value, label: words(value) }))} value={group} onChange={(by) => change({ by: by && by !== 'model' ? by : undefined })} allowDeselect={false} searchable w={160} />
                  <Report group={group} filters={filters} range={address.range ?? '7d'} since={since} />
                </span>
              }
            >
              <Table label={`Costs by ${words(group)}, most expensive first`} rows={costs.items} columns={columns(group, since, filters, address)} rowKey={(row) => row.value ?? ''} />
              {costs.others.groups > 0 && <p className="quiet small">{plural(costs.others.groups, 'more group')} with {plural(costs.others.calls, 'call')}: {money(costs.others.cost.usd)}.</p>}
            </Section>
          </div>
        )
      }
    </Loaded>
  )
}

function Lead({ costs, range, filters }: { costs: ask.Breakdown; range: string; filters: Search }) {
  const width = Date.parse(costs.until) - Date.parse(costs.since)
  const before = useQuery(ask.breakdown({ since: new Date(Date.parse(costs.since) - width).toISOString(), until: costs.since, ...filters }))
  const { usd, unknown } = costs.total.cost
  // While another window loads, the old one stands in its place: only what really ends where this begins is compared.
  // Nor is a period with one of which retention took calls away: it would seem to have cost less.
  const then = before.data && !before.data.removed_before && Date.parse(before.data.until) === Date.parse(costs.since) ? before.data.total : null
  const compared = then && against(usd, then.cost.usd)
  const period = rangeName(range).toLowerCase().replace(/^last /, '')
  return (
    <p className="lead">
      {usd === null ? `The cost of the ${plural(costs.total.calls, 'call')} in the last ${period} is unknown` : `${money(usd)} in the last ${period}`}
      {compared && `, ${compared} the ${period} before (${money(then.cost.usd)}, ${plural(then.calls, 'call')})`}
      {unknown > 0 && <>; {plural(unknown, 'call')} {unknown === 1 ? 'has' : 'have'} no price and {unknown === 1 ? 'is' : 'are'} not in it. <Link to="/costs" search={{ tab: 'prices' }}>Set a price</Link>.</>}
      {unknown === 0 && '.'}
      {costs.unmetered > 0 && ` ${plural(costs.unmetered, 'model call')} reported neither tokens nor a cost and ${costs.unmetered === 1 ? 'is' : 'are'} not included.`}
      {costs.dropped && <> <Link to="/settings" search={{ tab: 'sampling' }}>Sampling rules</Link> dropped {plural(costs.dropped.calls, 'more call')} of the project ({costs.dropped.cost.usd === null ? 'cost unknown' : money(costs.dropped.cost.usd)}): they were not stored and are not included.</>}
      {costs.removed_before && <> Calls before <Time at={costs.removed_before} />, or some of them, were deleted by retention and are not included.</>}
    </p>
  )
}

const columns = (group: string, since: string | undefined, filters: Search, address: Search): Column<CostGroup>[] => [
  { id: 'value', head: words(group).replace(/^./, (first) => first.toUpperCase()), className: 'main-cell', cell: (row) => <div className="cut"><Value group={group} row={row} address={address} /></div> },
  { id: 'share', head: 'Share', className: 'hide-s', cell: (row) => <ShareBar share={row.share} /> },
  { id: 'cost', head: 'Cost', className: 'num', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
  { id: 'calls', head: 'Calls', className: 'num', cell: (row) => <Calls row={row} href={row.value === null ? null : tracesOf({ ...filters, [group]: row.value }, since)} /> },
  { id: 'tokens', head: 'Tokens', className: 'num hide-m', cell: (row) => <TokenCount input={row.tokens.input_total} output={row.tokens.output_total} /> },
]

function Value({ group, row, address }: { group: string; row: CostGroup; address: Search }) {
  if (row.value === null) return <span className="quiet">{nameOf(group, null)}</span>
  if (group === 'release') return <ReleaseLink id={row.value} />
  if (!COST_FILTERS.includes(group)) return row.value
  const next = group === 'model' ? 'name' : undefined
  return <Link to="/costs" search={{ ...address, by: next, [group]: row.value }} title={`Narrow to ${row.value}`}>{row.value}</Link>
}

function Calls({ row, href }: { row: CostGroup; href: string | null }) {
  return href ? <Link to={href} title="The traces behind this">{count(row.calls)}</Link> : <>{count(row.calls)}</>
}

/** The chargeback report of the calendar month before, or of what is shown, as a file or a page to print. */
function Report({ group, filters, range, since }: { group: string; filters: Search; range: string; since: string | undefined }) {
  const by = `by ${words(group)}${Object.keys(filters).length > 0 ? ', with these filters' : ''}`
  const files = (window: { since?: string }) => {
    const link = (format: string) => addressOf('/costs/chargeback', { group_by: group, format, ...window, ...filters })
    return (
      <>
        <Menu.Item component="a" href={link('csv')} download={`costs-by-${group}.csv`}>Table (CSV)</Menu.Item>
        <Menu.Item component="a" href={link('html')} target="_blank">Page to print</Menu.Item>
      </>
    )
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target><Button variant="default" size="xs" leftSection={<IconDownload size={14} aria-hidden />}>Report</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Last calendar month, {by}</Menu.Label>
        {files({})}
        <Menu.Label>{rangeName(range)}, {by}</Menu.Label>
        {files({ since })}
      </Menu.Dropdown>
    </Menu>
  )
}

const nameOf = (group: string, value: string | null) => value ?? `without ${/^[aeio]/.test(group) ? 'an' : 'a'} ${words(group)}`

function NoCall({ narrowed, range }: { narrowed: boolean; range: string }) {
  return (
    <Empty title={narrowed ? 'No calls match in this time range' : `No model calls in the ${rangeName(range).toLowerCase()}`}>
      <p className="second prose">This page shows what model calls cost, by model, user, prompt, release or any tag, from the tokens in your traces and public or your own prices. Choose a longer time range, or <Link to="/traces">look at the traces</Link>.</p>
    </Empty>
  )
}
