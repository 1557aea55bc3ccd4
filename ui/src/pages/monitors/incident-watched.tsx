import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/monitors'
import type { Finding } from '@/api/monitors'
import type { Incident } from '@/api/types'
import { capital, count, words } from '@/lib/format'
import { told as whose } from '@/lib/match'
import { inUnit } from '@/lib/watch'
import { Facts } from '@/parts/page'
import { Time } from '@/parts/values'
import { PastWeek } from './week'

/** What a monitor wrote down of its finding. */
interface Seen extends Partial<Omit<Finding, 'window'>> {
  monitor: string
  metric: string
  window: Finding['window']
  filter?: Record<string, string | string[]>
  group_by?: string | null
  ci?: [number, number]
}

/** The finding of a monitor, and what else is in the evidence; null for an incident that something else opened. */
export function watched(evidence: Record<string, unknown>): [Seen, Record<string, unknown>] | null {
  const { monitor, metric, window, filter, group_by, group, status, n, value, expected, bound, unit, sentence, details, description, ...rest } = evidence as Partial<Seen> & Record<string, unknown>
  if (monitor === undefined || metric === undefined || window === undefined) return null
  const { ci, ...others } = (details ?? {}) as { ci?: [number, number] }
  const more = Object.keys(others).length > 0 ? { ...rest, details: others } : rest
  return [{ monitor, metric, window, filter, group_by, group, n, value, expected, bound, unit, ci }, more]
}

/** The figure with its unit, the line it crossed, its n and its window: the sentence above says the rest. */
export function Watched({ seen }: { seen: Seen }) {
  const unit = seen.unit ?? ''
  const figure = (value: number | null | undefined) => (value === null || value === undefined ? null : inUnit(value, unit))
  const filters = whose(seen.filter ?? {})
  return (
    <Facts
      list
      rows={[
        [capital(seen.metric), inUnit(seen.value ?? null, unit)],
        ['95 % interval', seen.ci && `${inUnit(seen.ci[0], unit)} to ${inUnit(seen.ci[1], unit)}`],
        ['Expected', figure(seen.expected)],
        ['Line', figure(seen.bound)],
        ['n', count(seen.n)],
        ['Window', <><Time at={seen.window.since} full /> to <Time at={seen.window.until} full /></>],
        [capital(words(seen.group_by ?? 'group')), seen.group],
        ['Only', filters.length > 0 && filters.join('; ')],
      ]}
    />
  )
}

const WEEK_MS = 7 * 86_400_000

/** How it came to that, of a monitor that is still there and an incident that its past week still holds. */
export function WatchedWeek({ incident }: { incident: Incident }) {
  const [seen] = watched(incident.evidence) ?? [null]
  const holds = seen !== null && incident.subject !== null && Date.now() - Date.parse(seen.window.until) < WEEK_MS
  const { data: monitor } = useQuery({ ...ask.monitor(incident.subject ?? ''), enabled: holds, retry: false })
  return holds && monitor ? <PastWeek monitor={monitor} group={seen.group} /> : null
}
