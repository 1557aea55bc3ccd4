import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/tracing'
import { count } from '@/lib/format'
import { Loaded } from '@/parts/states'
import { Drawn } from '@/pages/trace/graph'

/** The graph over the newest traces of a kind: what usually comes after what. */
export default function StepsGraph({ name, since }: { name: string; since: string | undefined }) {
  const graph = useQuery(ask.kindGraph({ name, since, limit: 100 }))
  return (
    <Loaded query={graph} lines={10}>
      {(found) => (
        <div className="stack" style={{ gap: 'var(--gap)' }}>
          <p className="quiet small">Over the newest {count(found.traces)} of {count(found.matching)} traces, {count(found.spans)} spans.</p>
          <Drawn graph={found} />
        </div>
      )}
    </Loaded>
  )
}
