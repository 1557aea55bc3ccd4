import { Link, useNavigate } from '@tanstack/react-router'
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react'
import { useKeys } from '@/lib/keys'
import { useAddress } from '@/lib/search'
import type { Place } from '@/lib/walk'

/** On to the trace before or after this one in the list that was looked at, on the same tab. */
export function TraceWalk({ place }: { place: Place }) {
  const [address] = useAddress()
  const navigate = useNavigate()
  const search = address.tab ? { tab: address.tab } : {}
  const go = (to: string | undefined) => to && void navigate({ to: '/traces/$traceId', params: { traceId: to }, search })
  useKeys([
    { keys: '[', does: 'The trace before this one in the list', run: () => go(place.before) },
    { keys: ']', does: 'The next trace of the list', run: () => go(place.after) },
  ])
  const steps = [
    { to: place.before, says: 'Trace before', Icon: IconChevronUp },
    { to: place.after, says: 'Next trace', Icon: IconChevronDown },
  ]
  return (
    <span className="line tight">
      <span className="quiet small nowrap hide-s" title="of those shown in the list">{place.at} of {place.of}</span>
      {steps.map(({ to, says, Icon }) => to && (
        <Link key={says} to="/traces/$traceId" params={{ traceId: to }} search={search} className="icon-button lined" aria-label={says}><Icon size={14} aria-hidden /></Link>
      ))}
    </span>
  )
}
