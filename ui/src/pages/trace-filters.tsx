import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'
import { isValue, partsOf, put, valueOf, without } from '@/lib/q'
import { Choice, FacetChoice, FilterChip } from '@/parts/choice'
import { releaseName, useReleaseName } from '@/parts/links'
import { BUTTONS } from './traces-search'

const STATUSES = [{ value: 'error' }, { value: 'ok' }, { value: 'unset', label: 'no status' }]
const ARMS = [{ value: 'baseline' }, { value: 'candidate' }]

/** The parts of the search line as things to choose and to take away: both always say the same. */
export function TraceFilters({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const channels = useQuery(ask.channels)
  const releases = useQuery(ask.releaseNames)
  const release = useReleaseName(valueOf(q, 'release'))
  const of = (field: string) => ({ value: valueOf(q, field), onChange: (value: string | undefined) => onChange(put(q, field, value)) })
  return (
    <div className="filters">
      <Choice name="Status" {...of('status')} options={STATUSES} />
      <FacetChoice name="Model" field="model" {...of('model')} />
      <FacetChoice name="User" field="user" {...of('user')} />
      <FacetChoice name="Name" field="name" {...of('name')} />
      <Choice name="Release" {...of('release')} shown={release} options={(releases.data?.items ?? []).map((one) => ({ value: one.id, label: releaseName(one) }))} />
      <Choice name="Channel" {...of('channel')} options={(channels.data?.items ?? []).map((one) => ({ value: one.name }))} />
      <Choice name="Arm" {...of('arm')} options={ARMS} />
      {partsOf(q)
        .filter((part) => part.field !== null && !(BUTTONS.includes(part.field) && isValue(part)))
        .map((part) => <FilterChip key={part.from} name={part.negated ? part.text : part.field!} shown={part.text} onRemove={() => onChange(without(q, part))} />)}
    </div>
  )
}
