import { SegmentedControl, Tabs } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { lazy, Suspense } from 'react'
import { SEARCH } from '@/lib/match'
import { rangeName } from '@/lib/range'
import { type Search, useAddress } from '@/lib/search'
import { Page } from '@/parts/page'
import { SearchLine, useMisread } from '@/parts/search-line'
import { Skeleton } from '@/parts/states'
import { Breakdown } from './breakdown'
import { COST_FILTERS, filtersOf } from './parts'

const Why = lazy(() => import('./why'))
const Forecast = lazy(() => import('./forecast'))
const Savings = lazy(() => import('./savings'))
const Prices = lazy(() => import('./prices'))

const TABS: [string, string][] = [['breakdown', 'What it costs'], ['why', 'Why it changed'], ['forecast', 'Forecast'], ['savings', 'Savings'], ['prices', 'Prices']]
const WITH_RANGE = new Set(['breakdown', 'savings', 'prices'])
const RANGES = ['24h', '7d', '30d', '90d']

/** What is spent, on what, why it changed, what it will be, what could be saved, and by which prices it is counted. */
export function Costs() {
  const [address, change] = useAddress()
  const tab = TABS.some(([id]) => id === address.tab) ? address.tab! : 'breakdown'
  const line = address[SEARCH] ?? ''
  const misread = useMisread(line)
  return (
    <Page
      title="Costs"
      actions={WITH_RANGE.has(tab) && <SegmentedControl size="xs" aria-label="Time" data={RANGES.map((range) => ({ value: range, label: range }))} value={address.range ?? '7d'} onChange={(range) => change({ range: range === '7d' ? undefined : range })} />}
    >
      <Filters address={address} change={change} />
      {tab !== 'prices' && <div className="line" style={{ maxWidth: '44rem' }}><SearchLine field label="Only calls in traces that match this search" q={line} problem={misread} onSearch={(next) => change({ [SEARCH]: next || undefined })} /></div>}
      <Tabs value={tab} onChange={(next) => change({ tab: next === 'breakdown' ? undefined : (next ?? undefined) })} keepMounted={false}>
        <Tabs.List mb="md" style={{ flexWrap: 'wrap' }}>{TABS.map(([id, name]) => <Tabs.Tab key={id} value={id}>{name}</Tabs.Tab>)}</Tabs.List>
        {(!misread || tab === 'prices') && <Suspense fallback={<Skeleton />}>
          <Tabs.Panel value="breakdown"><Breakdown address={address} change={change} /></Tabs.Panel>
          <Tabs.Panel value="why"><Why address={address} change={change} /></Tabs.Panel>
          <Tabs.Panel value="forecast"><Forecast filters={filtersOf(address)} /></Tabs.Panel>
          <Tabs.Panel value="savings"><Savings address={address} change={change} /></Tabs.Panel>
          <Tabs.Panel value="prices"><Prices range={address.range ?? '7d'} /></Tabs.Panel>
        </Suspense>}
      </Tabs>
    </Page>
  )
}

/** What the figures are narrowed to, each to be taken away; narrowing is done in the tables. */
function Filters({ address, change }: { address: Search; change: (next: Search) => void }) {
  const given = COST_FILTERS.filter((name) => address[name])
  if (given.length === 0) return null
  return (
    <div className="filters" aria-label="Narrowed to" role="group">
      <span className="quiet small">{rangeName(address.range ?? '7d')}, only</span>
      {given.map((name) => (
        <button key={name} type="button" className="filter" data-set="true" aria-label={`Remove the filter ${name}`} onClick={() => change({ [name]: undefined })}>
          <span className="cut">{name}: {address[name]}</span>
          <IconX size={13} aria-hidden />
        </button>
      ))}
    </div>
  )
}
