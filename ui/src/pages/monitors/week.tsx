import { lazy, Suspense } from 'react'
import type { Definition, Rehearsal } from '@/api/monitors'
import { count, plural } from '@/lib/format'
import { Skeleton } from '@/parts/states'

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

function sentenceOf({ looks, blind, fired }: Rehearsal): string {
  if (blind === looks) return `In ${plural(looks, 'look')} it would have had too little data to say anything.`
  const rang = fired === 0 ? 'It would not have rung' : fired === 1 ? 'It would have rung once' : `It would have rung ${count(fired)} times`
  return `${rang} in the past 7 days: ${plural(looks, 'look')}${blind ? `, ${count(blind)} of them with too little data to say anything` : ''}.`
}
