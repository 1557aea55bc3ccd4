import type { Price } from '@/api/costs'
import { count } from '@/lib/format'

/** Dollars as they were given, not rounded. */
export const exactly = (usd: number) => `$${usd.toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 9 })}`

const FIELDS = ['input', 'output', 'cache_read', 'cache_write', 'reasoning', 'request', 'batch', 'tiers'] as const

/** What a price has besides its input and output. */
export function besides(price: Pick<Price, (typeof FIELDS)[number]>): string {
  return [
    price.cache_read !== null && `cache read ${exactly(price.cache_read)}`,
    price.cache_write !== null && `cache write ${exactly(price.cache_write)}`,
    price.reasoning !== null && `reasoning ${exactly(price.reasoning)}`,
    price.request !== null && `${exactly(price.request)} a call`,
    price.batch !== null && `batch × ${price.batch}`,
    price.tiers.length > 0 && `other rates over ${price.tiers.map((tier) => count(tier.over)).join(', ')} prompt tokens`,
  ].filter(Boolean).join('; ')
}

const moment = (time: string | null) => (time ? Date.parse(time) : -Infinity)
const start = (price: Price) => moment(price.valid_from)

/** The price of the same model and provider that holds when a new one begins: it is replaced, or ends there. */
export function priceBefore(own: Price[], model: string, provider: string, since: string): Price | undefined {
  const begin = moment(since)
  const same = own.filter((price) => price.model === model && (price.provider ?? '') === provider && start(price) <= begin)
  return same.reduce<Price | undefined>((newest, price) => (newest && start(newest) >= start(price) ? newest : price), undefined)
}

/** The revision of the one that a price of this beginning takes the place of; `0` where there is none. */
export const replaced = (before: Price | undefined, since: string) => (before && start(before) === moment(since) ? before.revision : '0')

/** What the price before has and the new one does not name, in words; empty where that is nothing. */
export function unnamed(before: Price | undefined, given: Record<string, unknown>): string {
  if (!before) return ''
  const left = Object.fromEntries(FIELDS.map((name) => [name, name in given ? (name === 'tiers' ? [] : null) : before[name]])) as unknown as Price
  const plain = (['input', 'output'] as const).map((name) => left[name] !== null && `${name} ${exactly(left[name])}`)
  return [...plain, besides(left)].filter(Boolean).join('; ')
}
