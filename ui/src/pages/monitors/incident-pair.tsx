import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/tracing'
import { alike, type Pair, pairOf } from '@/lib/watch-pair'
import { Duration, Time } from '@/parts/values'

/** A bad trace of the incident's window beside a good one from before it; nothing where one of them is not there. */
export function IncidentPair({ evidence }: { evidence: Record<string, unknown> }) {
  const pair = pairOf(evidence)
  return pair && <Offered pair={pair} />
}

function Offered({ pair }: { pair: Pair }) {
  const bad = useQuery({ ...ask.tracesOf(pair.bad), retry: false }).data?.items[0]
  const before = useQuery({ ...ask.tracesOf(bad ? pair.before(bad) : {}), enabled: bad !== undefined, retry: false }).data
  const good = bad && before ? alike(bad, before.items) : null
  if (!bad || !good) return null
  return (
    <p>
      <Link to="/traces/compare" search={{ a: good.trace_id, b: bad.trace_id }}>Compare {pair.words[0]} with {pair.words[1]}</Link>
      <span className="quiet">: {bad.name}, <Duration ms={bad.latency_ms} /> at <Time at={bad.start} full />, and <Duration ms={good.latency_ms} /> at <Time at={good.start} full /></span>
    </p>
  )
}
