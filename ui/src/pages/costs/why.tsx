import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/costs'
import type { Driver } from '@/api/costs'
import { capital, count, money } from '@/lib/format'
import { isDay } from '@/lib/local'
import { change as signed, portion } from '@/lib/money'
import { fixedScale } from '@/lib/scale'
import type { Search } from '@/lib/search'
import { Section } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { filtersOf } from './parts'

interface Props {
  address: Search
  change: (next: Search) => void
}

/** One day against another: how much of the difference is more calls, longer ones, other prices, other models. */
export default function Why({ address, change }: Props) {
  const found = useQuery(ask.why({ day: address.day, against: address.against, ...filtersOf(address) }))
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <div className="line" style={{ alignItems: 'end' }}>
        <Day name="Day" value={found.data?.day ?? dayOf(address.day)} onChange={(day) => change({ day })} />
        <Day name="Against" value={found.data?.against ?? dayOf(address.against)} onChange={(against) => change({ against })} />
        <span className="quiet small" style={{ paddingBottom: '0.45rem' }}>whole days, UTC</span>
      </div>
      <Loaded query={found}>
        {(why) =>
          why.calls.before + why.calls.after === 0 ? (
            <Empty title="No model calls on either day"><p className="second">Choose two days with calls to split the difference into more calls, longer calls, price changes and a different mix of models.</p></Empty>
          ) : (
            <Answer why={why} />
          )
        }
      </Loaded>
    </div>
  )
}

/** What the field of a day can hold, while there is no answer. */
const dayOf = (text: string | undefined) => (text && isDay(text) ? text : '')

function Day({ name, value, onChange }: { name: string; value: string; onChange: (day: string | undefined) => void }) {
  return <TextInput type="date" size="xs" label={name} key={value} defaultValue={value} onBlur={(event) => event.currentTarget.value !== value && onChange(event.currentTarget.value || undefined)} onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()} />
}

function Answer({ why }: { why: ask.Why }) {
  return (
    <>
      <p className="lead"><Said text={why.sentence} /></p>
      {why.terms.length > 0 && (
        <Section title="From one day to the other" note={`${count(why.calls.before)} calls, then ${count(why.calls.after)}; the parts add up to the change exactly`}>
          <Waterfall why={why} />
        </Section>
      )}
      {why.drivers.length > 0 && (
        <Section title="What drove it" note="the largest single parts">
          <Table label="What drove the change, largest first" rows={why.drivers} columns={DRIVERS} rowKey={(row) => `${row.term} ${row.provider} ${row.model} ${row.name}`} />
        </Section>
      )}
    </>
  )
}

/** Each part begins where the one before it ended. */
function Waterfall({ why }: { why: ask.Why }) {
  const before = why.cost.before.usd ?? 0
  const after = why.cost.after.usd ?? 0
  let reached = before
  const steps = why.terms.map((term) => {
    const from = reached
    reached += term.usd
    return { ...term, from, to: reached }
  })
  const scale = fixedScale(0, Math.max(before, after, ...steps.map((step) => step.to), 0.000001))
  return (
    <ol className="waterfall">
      <Step name={why.against} from={0} to={before} scale={scale} figure={money(why.cost.before.usd)} />
      {steps.map((step) => (
        <Step key={step.term} name={capital(step.term)} from={step.from} to={step.to} scale={scale} way={step.usd > 0 ? 'up' : step.usd < 0 ? 'down' : undefined} figure={signed(step.usd)} said={step.usd === 0 ? undefined : step.sentence} share={step.share} />
      ))}
      <Step name={why.day} from={0} to={after} scale={scale} figure={money(why.cost.after.usd)} />
    </ol>
  )
}

interface StepProps {
  name: string
  from: number
  to: number
  scale: ReturnType<typeof fixedScale>
  figure: string
  way?: 'up' | 'down'
  said?: string
  share?: number | null
}

function Step({ name, from, to, scale, figure, way, said, share }: StepProps) {
  const [low, high] = [scale.at(Math.min(from, to)), scale.at(Math.max(from, to))]
  return (
    <li>
      <strong style={{ fontWeight: 550 }}>{name}</strong>
      <div className="track" aria-hidden><span data-way={way} style={{ left: `${low}%`, width: `${high - low}%` }} /></div>
      <span className="num">{figure}</span>
      {said && <p className="second small"><Said text={said} />{share !== null && share !== undefined && <span className="nowrap"> ({portion(share)} of the change)</span>}</p>}
    </li>
  )
}

const DRIVERS: Column<Driver>[] = [
  { id: 'what', head: 'What', className: 'main-cell', cell: (row) => <div className="second" style={{ padding: '0.2rem 0' }}>{row.sentence}</div> },
  { id: 'term', head: 'Part', className: 'hide-s nowrap', cell: (row) => capital(row.term) },
  { id: 'model', head: 'Model', className: 'hide-m nowrap', cell: (row) => <code>{[row.provider, row.model].filter(Boolean).join('/') || 'unknown'}</code> },
  { id: 'usd', head: 'Change', className: 'num', cell: (row) => signed(row.usd) },
]
