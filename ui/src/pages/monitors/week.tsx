import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense } from 'react'
import * as ask from '@/api/monitors'
import type { Definition, Monitor, Rehearsal } from '@/api/monitors'
import { count, plural } from '@/lib/format'
import { Section } from '@/parts/page'
import { Loaded, Skeleton } from '@/parts/states'

const WeekChart = lazy(() => import('./week-chart'))

/** How often it would have rung in the past week, and a picture of why. */
export function Week({ rehearsal, definition }: { rehearsal: Rehearsal; definition: Pick<Definition, 'rule'> }) {
  return (
    <>
      <p className="lead">{sentenceOf(rehearsal)}</p>
      {rehearsal.courses.length > 0 && <Suspense fallback={<Skeleton lines={6} />}><WeekChart rehearsal={rehearsal} definition={definition} /></Suspense>}
    </>
  )
}

/** The past week of a monitor that is there. `group`: drawn alone, where it is among those that are drawn. */
export function PastWeek({ monitor, group }: { monitor: Pick<Monitor, 'id' | 'rule'>; group?: string | null }) {
  const told = useQuery(ask.past(monitor.id))
  const of = (rehearsal: Rehearsal) => {
    const own = rehearsal.courses.filter((course) => course.group === group)
    return own.length ? { ...rehearsal, courses: own } : rehearsal
  }
  return (
    <Section title="Past 7 days" note="the current rule, applied to the data of that time">
      <Loaded query={told} lines={6}>{(rehearsal) => <Week rehearsal={of(rehearsal)} definition={monitor} />}</Loaded>
    </Section>
  )
}

function sentenceOf({ looks, blind, fired }: Rehearsal): string {
  if (blind === looks) return `In ${plural(looks, 'check')} it would have had too little data.`
  const rang = fired === 0 ? 'It would not have alerted' : fired === 1 ? 'It would have alerted once' : `It would have alerted ${count(fired)} times`
  return `${rang} in the past 7 days: ${plural(looks, 'check')}${blind ? `, ${count(blind)} of them with too little data` : ''}.`
}
