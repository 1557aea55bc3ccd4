import type { Amount } from '@/api/costs'
import { compact, count } from '@/lib/format'
import { SEARCH } from '@/lib/match'
import { portion } from '@/lib/money'
import { put, together } from '@/lib/q'
import { sinceOf } from '@/lib/range'
import type { Search } from '@/lib/search'
import { Facts } from '@/parts/page'
import { Money, Unknown } from '@/parts/values'

/** What the cost routes can be narrowed by. */
export const COST_FILTERS = ['model', 'provider', 'user', 'session', 'prompt', 'release', 'channel', 'environment', 'service', 'name', 'tag', 'feature', 'tenant', 'cost_center']

export function filtersOf(address: Search): Search {
  return Object.fromEntries([...COST_FILTERS, SEARCH].filter((name) => address[name]).map((name) => [name, address[name]]))
}

export function windowOf(address: Search): { since: string | undefined } {
  return { since: sinceOf(address.range ?? '7d') ?? sinceOf('7d') }
}

/** A list of traces can be narrowed by these; where a figure leads when it is clicked. */
const OF_TRACES = new Set(['model', 'provider', 'user', 'session', 'release', 'channel', 'arm', 'run', 'environment', 'tag', 'name', 'kind', 'service', 'feature', 'tenant', 'cost_center', 'prompt', 'prompt_version', 'endpoint'])

export function tracesOf(given: Search, since: string | undefined): string | null {
  const { [SEARCH]: line, ...filters } = given
  if (Object.keys(filters).some((name) => !OF_TRACES.has(name))) return null
  const q = Object.entries(filters).reduce((all, [name, value]) => put(all, name, value!), '')
  if (line && together(q, line) === null) return null
  const search = new URLSearchParams({ ...(since ? { since } : {}), ...(line ? { q: line } : {}), ...(filters as Record<string, string>) })
  return `/traces?${search}`
}

/** The sums of a window: money with what is unknown, calls, and tokens in their disjoint buckets. */
export function Sums({ sums, href }: { sums: Amount; href: string | null }) {
  const { tokens } = sums
  const calls = count(sums.calls)
  return (
    <Facts
      rows={[
        ['Cost', <Money key="cost" usd={sums.cost.usd} unknown={sums.cost.unknown} />],
        ['Calls', href ? <a key="calls" href={href}>{calls}</a> : calls],
        ['Fresh input', <Tokens key="fresh" n={tokens.fresh_input} />],
        ['Read from cache', <Tokens key="read" n={tokens.cache_read} of={tokens.input_total} />],
        ['Written to cache', <Tokens key="write" n={tokens.cache_write} />],
        ['Output', <Tokens key="output" n={tokens.output} />],
        ['Reasoning', <Tokens key="reasoning" n={tokens.reasoning} />],
      ]}
    />
  )
}

function Tokens({ n, of }: { n: number | null; of?: number | null }) {
  if (n === null) return <Unknown why="These tokens were not reported." />
  return <span title={`${count(n)} tokens`}>{compact(n)} {of ? <span className="quiet small">{portion(n / of)}</span> : null}</span>
}

/** A share as a bar with its figure. */
export function ShareBar({ share }: { share: number | null }) {
  if (share === null) return <Unknown why="The share is unknown because the price is unknown." />
  return (
    <span className="line tight" style={{ flexWrap: 'nowrap' }}>
      <span className="share" aria-hidden><span style={{ width: `${Math.min(100, share * 100)}%` }} /></span>
      <span className="num" style={{ minWidth: '3.2rem' }}>{portion(share)}</span>
    </span>
  )
}
