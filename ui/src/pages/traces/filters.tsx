import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'
import { EQUAL, isValue, partsOf, put, valuesIn, without } from '@/lib/q'
import { Choice, FacetChoices, Choices, FilterChip } from '@/parts/choice'
import { releaseName, useReleaseNames } from '@/parts/links'

/** Fields whose parts have a button of their own below the line. */
const BUTTONS: readonly string[] = EQUAL.filter((name) => ['status', 'model', 'user', 'name', 'release', 'channel', 'arm'].includes(name))

const STATUSES = [{ value: 'error' }, { value: 'ok' }, { value: 'unset', label: 'no status' }]
const ARMS = [{ value: 'baseline' }, { value: 'candidate' }]

/** The parts of the search line as things to choose and to take away: both always say the same. */
export function TraceFilters({ q, onChange }: { q: string; onChange: (q: string) => void }) {
  const channels = useQuery(ask.channels)
  const releases = useQuery(ask.releaseNames)
  const nameOf = useReleaseNames(true)
  const one = (field: string) => {
    const values = valuesIn(q, field)
    return { value: values.length > 0 ? values.join(', ') : undefined, onChange: (value: string | undefined) => onChange(put(q, field, ...(value === undefined ? [] : [value]))) }
  }
  const several = (field: string) => ({ values: valuesIn(q, field), onChange: (values: string[]) => onChange(put(q, field, ...values)) })
  return (
    <div className="filters">
      <Choice name="Status" {...one('status')} options={STATUSES} />
      <FacetChoices name="Model" field="model" {...several('model')} />
      <FacetChoices name="User" field="user" {...several('user')} />
      <FacetChoices name="Name" field="name" {...several('name')} />
      <Choices name="Release" {...several('release')} nameOf={nameOf} options={(releases.data?.items ?? []).map((one) => ({ value: one.id, label: releaseName(one) }))} />
      <Choices name="Channel" {...several('channel')} options={(channels.data?.items ?? []).map((one) => ({ value: one.name }))} />
      <Choice name="Arm" {...one('arm')} options={ARMS} />
      {partsOf(q)
        .filter((part) => part.field !== null && !(BUTTONS.includes(part.field) && isValue(part)))
        .map((part) => <FilterChip key={part.from} name={part.negated ? part.text : part.field!} shown={part.text} onRemove={() => onChange(without(q, part))} />)}
    </div>
  )
}
