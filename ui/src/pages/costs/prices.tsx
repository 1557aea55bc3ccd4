import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { request } from '@/api/client'
import * as ask from '@/api/costs'
import type { Price, Repricing, Unpriced } from '@/api/costs'
import { count, plural, titled } from '@/lib/format'
import { besides, exactly } from '@/lib/prices'
import { sinceOf } from '@/lib/range'
import { Section } from '@/parts/page'
import { Loaded, ProblemNote, Waiting } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time, TokenCount, Unknown } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { SetPrice, useChange, type Wanted } from './price-form'

/** Models that nobody could price, the project's own prices, and how far stored calls have followed them. */
export default function Prices({ range }: { range: string }) {
  const access = useAccess()
  const own = useQuery(ask.prices)
  const without = useQuery(ask.unpriced({ since: sinceOf(range) }))
  const repricings = useQuery(ask.repricings)
  const [wanted, want] = useState<Wanted | null>(null)
  const going = repricings.data?.items.find((one) => one.status !== 'done')
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      {!access.admin && <p className="notice">Only admins of this project can set prices.</p>}
      {going ? <Waiting>Calls of {going.model} are being re-priced…</Waiting> : <LastRepricing all={repricings.data?.items ?? []} />}
      <Section title="Models without a price" note="their calls are left out of every total, and each total says so">
        <Loaded query={without} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="second">Every model called in this time range has a price.</p>
            ) : (
              <Table label="Models without a price" rows={items} columns={unpricedColumns(access.admin ? want : null, own.data?.items ?? [])} rowKey={(row) => `${row.provider} ${row.model}`} />
            )
          }
        </Loaded>
      </Section>
      <Section title="Own prices" note="dollars per million tokens; they take precedence over the public list" end={access.admin && <Button size="xs" onClick={() => want({ model: '', provider: '' })}>Set a price</Button>}>
        <Loaded query={own} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="second prose">No prices of your own: all calls use the public price list. Set your own for a contract with other rates or a model you run yourself.</p>
            ) : (
              <Table label="Own prices" rows={items} columns={priceColumns(access.admin ? want : null)} rowKey={(row) => row.id} />
            )
          }
        </Loaded>
      </Section>
      {wanted && <SetPrice key={`${wanted.model} ${wanted.price?.id}`} wanted={wanted} own={own.data?.items ?? []} onClose={() => want(null)} />}
    </div>
  )
}

function LastRepricing({ all }: { all: Repricing[] }) {
  const last = all[0]
  if (!last || last.ended_at === null) return null
  return <p className="quiet small">{plural(last.calls ?? 0, 'stored call')} of {last.model} got another price, <Time at={last.ended_at} />.</p>
}

type Want = ((wanted: Wanted) => void) | null

const unpricedColumns = (want: Want, own: Price[]): Column<Unpriced>[] => [
  {
    id: 'model',
    head: 'Model',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="cut"><code>{row.model === null ? 'not said' : titled(row.model)}</code></div>
        {row.others && <div className="quiet small">{whyWithout(row.others.source)}</div>}
      </div>
    ),
  },
  { id: 'provider', head: 'Provider', className: 'hide-s nowrap', cell: (row) => (row.provider ? <div className="cut" style={{ maxWidth: '9rem' }} title={row.provider}>{titled(row.provider)}</div> : <span className="quiet">not said</span>) },
  { id: 'calls', head: 'Calls', className: 'num', cell: (row) => count(row.calls) },
  { id: 'tokens', head: 'Tokens', className: 'num hide-s', cell: (row) => <TokenCount input={row.tokens.input_total} output={row.tokens.output_total} /> },
  { id: 'last', head: 'Last seen', className: 'num hide-m', cell: (row) => <Time at={row.last_seen} /> },
  {
    id: 'set',
    head: <span className="sr">Set a price</span>,
    className: 'num',
    cell: (row) => want && row.model && <Button variant="default" size="compact-xs" aria-label={`Set a price of ${row.model}`} onClick={() => want(wantedOf(row, own))}>Set a price</Button>,
  },
]

const ofOwn = (source: string) => source.startsWith('project:')

/** Why calls of a model that has a price have none. */
const whyWithout = (source: string) => `Other calls use ${ofOwn(source) ? 'your own price' : 'the public price'}. These were batch or audio calls, an agent's own total, or came before that price.`

/** What is there already stands in the form: a price of a closer name would take its place, for all calls. */
function wantedOf(row: Unpriced, own: Price[]): Wanted {
  const price = own.find((one) => row.others?.source === `project:${one.id}`)
  return price ? { model: price.model, provider: price.provider ?? '', price } : { model: row.model!, provider: row.provider ?? '', rates: row.others?.rates }
}

const priceColumns = (want: Want): Column<Price>[] => [
  { id: 'model', head: 'Model', className: 'main-cell', cell: (row) => <div className="cut"><code>{row.model}</code> {row.provider && <span className="quiet">{row.provider}</span>}</div> },
  { id: 'input', head: 'Input', className: 'num', cell: (row) => <Rate of={row} usd={row.input} /> },
  { id: 'output', head: 'Output', className: 'num', cell: (row) => <Rate of={row} usd={row.output} /> },
  { id: 'cache', head: 'Cache read', className: 'num hide-m', cell: (row) => (row.cache_read === null ? <span className="quiet">as input</span> : <Rate of={row} usd={row.cache_read} />) },
  { id: 'besides', head: 'Besides', className: 'hide-m', cell: (row) => <div className="second small" style={{ minWidth: '11rem' }}>{besides({ ...row, cache_read: null })}</div> },
  { id: 'from', head: 'Valid from', className: 'nowrap', cell: (row) => (row.valid_from ? <time dateTime={row.valid_from} title={row.valid_from}>{row.valid_from.replace(/T00:00:00(\.0+)?Z$/, '').replace('T', ' ').replace(/\.\d+Z$/, '')}</time> : 'always') },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => row.created_by && <Person actor={row.created_by} /> },
  {
    id: 'do',
    head: <span className="sr">Actions</span>,
    className: 'num nowrap',
    cell: (row) => want && (
      <span className="line tight" style={{ justifyContent: 'flex-end', flexWrap: 'nowrap' }}>
        <button type="button" className="linkish" aria-label={`Change the price of ${row.model}`} onClick={() => want({ model: row.model, provider: row.provider ?? '', price: row })}>Change</button>
        <Remove price={row} />
      </span>
    ),
  },
]

/** A rate as it was given, not rounded. Without any, what is not said costs nothing beside the price of a call. */
function Rate({ of, usd }: { of: Price; usd: number | null }) {
  if (usd !== null) return <>{exactly(usd)}</>
  return of.request !== null && of.input === null && of.output === null ? <span className="quiet">none</span> : <Unknown />
}

/** Two presses: the second is the one that does it. */
function Remove({ price }: { price: Price }) {
  const [sure, setSure] = useState(false)
  const remove = useChange(() => request('DELETE', `/prices/${encodeURIComponent(price.id)}`), () => `Calls of ${price.model} use the public list again.`)
  if (remove.isError) return <ProblemNote error={remove.error} />
  return (
    <button type="button" className={`linkish ${sure ? 'bad' : ''}`} aria-label={`${sure ? 'Really remove' : 'Remove'} the price of ${price.model}`} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))} disabled={remove.isPending}>
      {sure ? 'Really remove' : 'Remove'}
    </button>
  )
}
