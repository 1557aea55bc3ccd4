import { Button, Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { request } from '@/api/client'
import * as ask from '@/api/costs'
import type { Price, Repricing, Unpriced } from '@/api/costs'
import { useReturnedFocus } from '@/lib/focus'
import { count, plural, titled } from '@/lib/format'
import { sinceOf } from '@/lib/range'
import { NumberField } from '@/parts/number-field'
import { Section } from '@/parts/page'
import { Loaded, ProblemNote, Waiting } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Person, Time, TokenCount, Unknown } from '@/parts/values'
import { useAccess } from '@/shell/access'

interface Wanted {
  model: string
  provider: string
}

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
      {!access.admin && <p className="notice">Prices are set by admins of this project.</p>}
      {going ? <Waiting>Calls of {going.model} are being counted anew…</Waiting> : <LastRepricing all={repricings.data?.items ?? []} />}
      <Section title="Models without a price" note="their calls are left out of every sum, and said so">
        <Loaded query={without} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="second">Every model that was called in this time has a price.</p>
            ) : (
              <Table label="Models without a price" rows={items} columns={unpricedColumns(access.admin ? want : null)} rowKey={(row) => `${row.provider} ${row.model}`} />
            )
          }
        </Loaded>
      </Section>
      <Section title="Own prices" note="dollars per million tokens; they go before the public list" end={access.admin && <Button size="xs" onClick={() => want({ model: '', provider: '' })}>Set a price</Button>}>
        <Loaded query={own} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="second prose">None: all calls are counted by the public list. A price of your own is for a contract with other rates, or a model you run yourself.</p>
            ) : (
              <Table label="Own prices" rows={items} columns={priceColumns(access.admin)} rowKey={(row) => row.id} />
            )
          }
        </Loaded>
      </Section>
      {wanted && <SetPrice key={wanted.model} wanted={wanted} onClose={() => want(null)} />}
    </div>
  )
}

function LastRepricing({ all }: { all: Repricing[] }) {
  const last = all[0]
  if (!last || last.ended_at === null) return null
  return <p className="quiet small">{plural(last.calls ?? 0, 'stored call')} of {last.model} got another price, <Time at={last.ended_at} />.</p>
}

const unpricedColumns = (want: ((wanted: Wanted) => void) | null): Column<Unpriced>[] => [
  { id: 'model', head: 'Model', className: 'main-cell', cell: (row) => <div className="cut"><code>{row.model === null ? 'not said' : titled(row.model)}</code></div> },
  { id: 'provider', head: 'Provider', className: 'hide-s nowrap', cell: (row) => (row.provider ? <div className="cut" style={{ maxWidth: '9rem' }} title={row.provider}>{titled(row.provider)}</div> : <span className="quiet">not said</span>) },
  { id: 'calls', head: 'Calls', className: 'num', cell: (row) => count(row.calls) },
  { id: 'tokens', head: 'Tokens', className: 'num hide-s', cell: (row) => <TokenCount input={row.tokens.input_total} output={row.tokens.output_total} /> },
  { id: 'last', head: 'Last seen', className: 'num hide-m', cell: (row) => <Time at={row.last_seen} /> },
  {
    id: 'set',
    head: <span className="sr">Set a price</span>,
    className: 'num',
    cell: (row) => want && row.model && <Button variant="default" size="compact-xs" aria-label={`Set a price of ${row.model}`} onClick={() => want({ model: row.model!, provider: row.provider ?? '' })}>Set a price</Button>,
  },
]

const priceColumns = (admin: boolean): Column<Price>[] => [
  { id: 'model', head: 'Model', className: 'main-cell', cell: (row) => <div className="cut"><code>{row.model}</code> {row.provider && <span className="quiet">{row.provider}</span>}</div> },
  { id: 'input', head: 'Input', className: 'num', cell: (row) => <Rate of={row} usd={row.input} /> },
  { id: 'output', head: 'Output', className: 'num', cell: (row) => <Rate of={row} usd={row.output} /> },
  { id: 'cache', head: 'Cache read', className: 'num hide-m', cell: (row) => (row.cache_read === null ? <span className="quiet">as input</span> : <Rate of={row} usd={row.cache_read} />) },
  { id: 'besides', head: 'Besides', className: 'hide-m', cell: (row) => <div className="second small" style={{ minWidth: '11rem' }}>{besides(row)}</div> },
  { id: 'from', head: 'Valid from', className: 'nowrap', cell: (row) => (row.valid_from ? <time dateTime={row.valid_from} title={row.valid_from}>{row.valid_from.replace(/T00:00:00(\.0+)?Z$/, '').replace('T', ' ').replace(/\.\d+Z$/, '')}</time> : 'always') },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => row.created_by && <Person actor={row.created_by} /> },
  { id: 'remove', head: <span className="sr">Remove</span>, className: 'num', cell: (row) => admin && <Remove price={row} /> },
]

/** A rate as it was given, not rounded. Without any, what is not said costs nothing beside the price of a call. */
function Rate({ of, usd }: { of: Price; usd: number | null }) {
  if (usd !== null) return <>{exactly(usd)}</>
  return of.request !== null && of.input === null && of.output === null ? <span className="quiet">none</span> : <Unknown />
}

const exactly = (usd: number) => `$${usd.toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`

function besides(price: Price): string {
  return [
    price.request !== null && `${exactly(price.request)} a call`,
    price.batch !== null && `batch × ${price.batch}`,
    price.tiers.length > 0 && `other rates over ${price.tiers.map((tier) => count(tier.over)).join(', ')} prompt tokens`,
  ].filter(Boolean).join('; ')
}

function useChange<T>(send: () => Promise<T>, done: string, onDone?: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: send,
    onSuccess: async () => {
      await Promise.all(['prices', 'unpriced', 'repricings', 'costs'].map((key) => client.invalidateQueries({ queryKey: [key] })))
      notifications.show({ message: done, autoClose: 6000 })
      onDone?.()
    },
  })
}

/** Two presses: the second is the one that does it. */
function Remove({ price }: { price: Price }) {
  const [sure, setSure] = useState(false)
  const remove = useChange(() => request('DELETE', `/prices/${encodeURIComponent(price.id)}`), `Calls of ${price.model} go back to the public list.`)
  if (remove.isError) return <ProblemNote error={remove.error} />
  return (
    <button type="button" className={`linkish ${sure ? 'bad' : ''}`} aria-label={`${sure ? 'Really remove' : 'Remove'} the price of ${price.model}`} onBlur={() => setSure(false)} onClick={() => (sure ? remove.mutate() : setSure(true))} disabled={remove.isPending}>
      {sure ? 'Really remove' : 'Remove'}
    </button>
  )
}

const RATES: [keyof Rates, string, boolean][] = [['input', 'Input', true], ['output', 'Output', true], ['cache_read', 'Cache read', false], ['cache_write', 'Cache write', false], ['reasoning', 'Reasoning', false]]

type Rates = Record<'input' | 'output' | 'cache_read' | 'cache_write' | 'reasoning' | 'request' | 'batch', number | null>

const NO_RATES: Rates = { input: null, output: null, cache_read: null, cache_write: null, reasoning: null, request: null, batch: null }

function SetPrice({ wanted, onClose }: { wanted: Wanted; onClose: () => void }) {
  useReturnedFocus()
  const [model, setModel] = useState(wanted.model)
  const [provider, setProvider] = useState(wanted.provider)
  const [reason, setReason] = useState('')
  const [from, setFrom] = useState('')
  const [rates, setRates] = useState<Rates>(NO_RATES)
  const set = (name: keyof Rates) => (value: number | null) => setRates({ ...rates, [name]: value })
  const given = Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== null))
  const perToken = rates.request === null // a price of a call alone needs no rates
  const body = { ...given, valid_from: from ? `${from}T00:00:00Z` : undefined, provider: provider.trim() || undefined, reason: reason.trim() || undefined }
  const save = useChange(() => request('PUT', `/prices/${encodeURIComponent(model.trim())}`, body), `The price of ${model.trim()} is set; stored calls follow it.`, onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>Set a price</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <TextInput label="Model" description="As it stands in the traces; * stands for anything." required value={model} onChange={(event) => setModel(event.currentTarget.value)} data-autofocus={wanted.model ? undefined : true} />
        <TextInput label="Provider" description="Empty: whoever serves it." value={provider} onChange={(event) => setProvider(event.currentTarget.value)} />
        <fieldset className="rates">
          <legend>Dollars per million tokens</legend>
          {RATES.map(([name, label, required], i) => (
            <NumberField key={name} label={label} required={required && perToken} min={0} decimalScale={9} hideControls value={rates[name]} onChange={set(name)} data-autofocus={wanted.model && i === 0 ? true : undefined} />
          ))}
        </fieldset>
        <fieldset className="rates">
          <legend>If there is more to it</legend>
          <NumberField label="Dollars a call" min={0} decimalScale={9} hideControls value={rates.request} onChange={set('request')} />
          <NumberField label="Batch factor" placeholder="0.5: half the price" min={0} max={1} decimalScale={9} hideControls value={rates.batch} onChange={set('batch')} />
          <TextInput type="date" label="Valid from (UTC)" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        </fieldset>
        <TextInput label="Reason" description="For the audit log." value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        <p className="quiet small">Calls that are already stored{from ? ` since ${from}` : ''} are counted anew, in the background. A price of the same model, provider and day is replaced. It can be removed again.</p>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={!model.trim() || (perToken && (rates.input === null || rates.output === null))}>Set the price</Button>
        </div>
      </form>
    </Modal>
  )
}
