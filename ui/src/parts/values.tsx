import { IconUser } from '@tabler/icons-react'
import { Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import * as ask from '@/api/queries'
import type { Estimate } from '@/api/types'
import * as write from '@/lib/format'

/** One component for each kind of value: the same look, and the same honesty about what is not known. */

export function Unknown({ why }: { why?: string }) {
  return why ? (
    <Tooltip label={why}>
      <span className="unknown">unknown</span>
    </Tooltip>
  ) : (
    <span className="unknown">unknown</span>
  )
}

export function Time({ at, full = false }: { at: string | null | undefined; full?: boolean }) {
  useMinute()
  if (!at) return <Unknown />
  return (
    <Tooltip label={`${write.exact(at)} · ${at}`}>
      <time dateTime={at} className="nowrap">
        {full ? write.exact(at).replace(/\.\d+ /, ' ') : write.ago(at)}
      </time>
    </Tooltip>
  )
}

export function Duration({ ms }: { ms: number | null | undefined }) {
  return ms === null || ms === undefined ? <Unknown /> : <span className="nowrap">{write.duration(ms)}</span>
}

interface MoneyProps {
  usd: number | null | undefined
  /** Calls whose price is not known: the sum is then only a lower bound. */
  unknown?: number
  source?: string | null
}

export function Money({ usd, unknown = 0, source }: MoneyProps) {
  if (usd === null || usd === undefined) {
    return <Unknown why="The price of this model is unknown. Unknown costs are never counted as zero." />
  }
  if (unknown > 0) {
    return (
      <Tooltip label={`The price of ${write.plural(unknown, 'call')} is unknown, so the total is at least this.`}>
        <span className="money">
          <span className="nowrap">{write.money(usd)}</span> <span className="unknown">+ {write.count(unknown)} unknown</span>
        </span>
      </Tooltip>
    )
  }
  const figure = <span className="nowrap">{write.money(usd)}</span>
  return source ? <Tooltip label={`Price from ${source}`}>{figure}</Tooltip> : figure
}

export function TokenCount({ input, output }: { input: number | null | undefined; output: number | null | undefined }) {
  const none = (n: number | null | undefined) => n === null || n === undefined
  if (none(input) && none(output)) return <Unknown why="The provider did not report token counts." />
  return (
    <Tooltip label={`${write.count(input)} tokens in, ${write.count(output)} out`}>
      <span className="nowrap">
        {none(input) ? '?' : write.compact(input)} <span className="quiet">→</span> {none(output) ? '?' : write.compact(output)}
        <span className="sr"> tokens in and out</span>
      </span>
    </Tooltip>
  )
}

/** A key is called by its name: its id tells nobody whose it is. */
export function useActorName(actor: string | null | undefined): string {
  const isKey = actor?.startsWith('key:') ?? false
  const keys = useQuery({ ...ask.keyNames, enabled: isKey })
  const key = isKey ? keys.data?.items.find((one) => `key:${one.id}` === actor) : undefined
  return key?.name ? `key ${key.name}` : write.person(actor)
}

export function Person({ actor }: { actor: string | null | undefined }) {
  const name = useActorName(actor)
  if (!actor) return <Unknown />
  const machine = /^(canary|rollout|system|assay)/.test(actor)
  return (
    <span className="line tight" style={{ flexWrap: 'nowrap', display: 'inline-flex', verticalAlign: 'bottom', maxWidth: '100%' }} title={actor}>
      <IconUser size={13} stroke={1.75} aria-hidden className="quiet" style={{ flex: 'none' }} />
      <span className="cut">{machine ? `${name} (machine)` : name}</span>
    </span>
  )
}

/** A mean with its interval, n and errors: no number without its n. */
export function EstimateText({ estimate }: { estimate: Estimate }) {
  return (
    <span className="nowrap">
      <strong>{write.score(estimate.mean)}</strong>{' '}
      <span className="second">{estimate.ci ? write.interval(estimate.ci) : 'no interval'}</span>{' '}
      <span className="quiet small">
        n {write.count(estimate.n)}
        {estimate.errors > 0 && <span className="bad"> · {write.plural(estimate.errors, 'error')}</span>}
      </span>
    </span>
  )
}

export function ScoreChip({ name, mean, n }: { name: string; mean: number | null; n?: number }) {
  return (
    <span className="chip">
      <span className="key cut">{write.words(name)}</span>
      <strong>{write.score(mean, 2)}</strong>
      {n !== undefined && n > 1 && <span className="key">n {write.count(n)}</span>}
    </span>
  )
}

/** Re-renders "3 min ago" now and then, all of them by one clock. */
function useMinute(): void {
  useSyncExternalStore(onMinute, minute)
}

const minute = () => Math.floor(Date.now() / 15_000)

function onMinute(changed: () => void): () => void {
  const timer = setInterval(changed, 15_000)
  return () => clearInterval(timer)
}
