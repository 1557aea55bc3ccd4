import { Button, Checkbox, Modal, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { request } from '@/api/client'
import type { Price } from '@/api/costs'
import { useReturnedFocus } from '@/lib/focus'
import { count } from '@/lib/format'
import { priceBefore, replaced, unnamed } from '@/lib/prices'
import { LimitedInput } from '@/parts/limited'
import { NumberField } from '@/parts/number-field'
import { ProblemNote } from '@/parts/states'

/** Sends a change of prices; all that is counted by them is asked for again. */
export function useChange<T>(send: () => Promise<T>, done: (answer: T) => string, onDone?: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: send,
    onSuccess: async (answer) => {
      await Promise.all(['prices', 'unpriced', 'repricings', 'costs'].map((key) => client.invalidateQueries({ queryKey: [key] })))
      notifications.show({ message: done(answer), autoClose: 6000 })
      onDone?.()
    },
  })
}

const RATES: [keyof Rates, string, boolean][] = [['input', 'Input', true], ['output', 'Output', true], ['cache_read', 'Cache read', false], ['cache_write', 'Cache write', false], ['reasoning', 'Reasoning', false]]

export type Rates = Record<'input' | 'output' | 'cache_read' | 'cache_write' | 'reasoning' | 'request' | 'batch', number | null>

/** What the form begins with: the price that is to be changed, or what other calls of the model cost. */
export interface Wanted {
  model: string
  provider: string
  price?: Price
  rates?: Partial<Rates>
}

const NO_RATES: Rates = { input: null, output: null, cache_read: null, cache_write: null, reasoning: null, request: null, batch: null }

interface Made {
  instead_of?: { source: string; lost: Record<string, unknown> } | null
}

/** What calls had by the public list, or by a wider price, and have no longer. */
const noLonger = ({ instead_of }: Made) => (instead_of ? ` They lose the ${Object.keys(instead_of.lost).map((name) => name.replace('_', ' ')).join(', ')} that ${instead_of.source.startsWith('project:') ? 'your wider price' : 'the public list'} has.` : '')

export function SetPrice({ wanted, own: now, onClose }: { wanted: Wanted; own: Price[]; onClose: () => void }) {
  useReturnedFocus()
  const [own] = useState(now) // as they were when the form began
  const [model, setModel] = useState(wanted.model)
  const [provider, setProvider] = useState(wanted.provider)
  const [reason, setReason] = useState('')
  const [from, setFrom] = useState(wanted.price?.valid_from?.slice(0, 10) ?? '')
  const [rates, setRates] = useState<Rates>(ratesOf(wanted))
  const tiers = wanted.price?.tiers ?? []
  const set = (name: keyof Rates) => (value: number | null) => setRates({ ...rates, [name]: value })
  const given = Object.fromEntries(Object.entries(rates).filter(([, rate]) => rate !== null))
  const perToken = rates.request === null // a price of a call alone needs no rates
  const since = from && from === wanted.price?.valid_from?.slice(0, 10) ? wanted.price.valid_from : from && `${from}T00:00:00Z` // to the second, where nobody changed the day
  const named = { ...given, ...(tiers.length > 0 ? { tiers } : {}) }
  const before = priceBefore(own, model.trim(), provider.trim(), since || '')
  const missing = unnamed(before, named)
  const shown = before !== undefined && before.id === wanted.price?.id // what is missing was taken out here
  const [keep, setKeep] = useState(true)
  const body = { ...named, valid_from: since || undefined, provider: provider.trim() || undefined, reason: reason.trim() || undefined, ...(missing ? { unnamed: keep && !shown ? 'keep' : 'drop' } : {}) }
  const save = useChange(() => request<Made>('PUT', `/prices/${encodeURIComponent(model.trim())}`, body, undefined, replaced(before, since || '')), (made) => `The price of ${model.trim()} is set. Stored calls are being re-priced.${noLonger(made)}`, onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate()
  }
  return (
    <Modal opened onClose={onClose} title={<strong>{wanted.price ? 'Change a price' : 'Set a price'}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <LimitedInput label="Model" most={200} description="As it appears in traces. * matches anything." required value={model} onChange={(event) => setModel(event.currentTarget.value)} data-autofocus={wanted.model ? undefined : true} />
        <LimitedInput label="Provider" most={200} description="Leave empty for any provider." value={provider} onChange={(event) => setProvider(event.currentTarget.value)} />
        <fieldset className="rates">
          <legend>Dollars per million tokens</legend>
          {RATES.map(([name, label, required], i) => (
            <NumberField key={name} label={label} required={required && perToken} min={0} decimals={9} hideControls value={rates[name]} onChange={set(name)} data-autofocus={wanted.model && i === 0 ? true : undefined} />
          ))}
        </fieldset>
        <fieldset className="rates">
          <legend>More rates</legend>
          <NumberField label="Dollars a call" min={0} decimals={9} hideControls value={rates.request} onChange={set('request')} />
          <NumberField label="Batch factor" placeholder="0.5 means half price" min={0} max={1} decimals={9} hideControls value={rates.batch} onChange={set('batch')} />
          <TextInput type="date" label="Valid from (UTC)" value={from} onChange={(event) => setFrom(event.currentTarget.value)} />
        </fieldset>
        <LimitedInput label="Reason" most={2000} description="For the audit log." value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {tiers.length > 0 && <p className="quiet small">The rates over {tiers.map((tier) => count(tier.over)).join(', ')} prompt tokens do not change.</p>}
        {missing && !shown && (
          <Checkbox checked={keep} onChange={(event) => setKeep(event.currentTarget.checked)} label="Keep the other rates of the previous price" description={`${missing}. Otherwise ${from ? `calls from ${from} on` : 'its calls'} lose these rates.`} />
        )}
        {wanted.rates && <p className="quiet small">These are the public rates that its other calls use now. This price replaces them.</p>}
        <p className="quiet small">Calls that are already stored{from ? ` since ${from}` : ''} are re-priced in the background. This replaces an existing price for the same model, provider and day. You can remove it later.</p>
        {save.isError && <ProblemNote error={save.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={!model.trim() || (perToken && (rates.input === null || rates.output === null))}>Set the price</Button>
        </div>
      </form>
    </Modal>
  )
}

function ratesOf({ price, rates }: Wanted): Rates {
  const given = price ?? rates
  if (!given) return NO_RATES
  const names = Object.keys(NO_RATES) as (keyof Rates)[]
  return { ...NO_RATES, ...Object.fromEntries(names.map((name) => [name, (name === 'request' && !given.request ? null : given[name]) ?? null])) }
}
