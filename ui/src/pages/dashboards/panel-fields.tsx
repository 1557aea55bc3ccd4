import { Autocomplete, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconPlus, IconX } from '@tabler/icons-react'
import type { Metric, Words } from '@/api/dashboards'
import * as search from '@/api/search'
import { words } from '@/lib/format'
import { type Held, heldOf } from '@/lib/match'
import { OF_SCORES } from '@/lib/watch-form'
import { Match } from '@/parts/match'
import { NumberField } from '@/parts/number-field'

interface MetricRowsProps {
  metrics: Metric[]
  known: Words
  most: number
  onChange: (metrics: Metric[]) => void
}

/** The metrics of a panel, each with the settings it takes. */
export function MetricRows({ metrics, known, most, onChange }: MetricRowsProps) {
  const put = (at: number, metric: Metric) => onChange(metrics.map((one, i) => (i === at ? metric : one)))
  return (
    <fieldset className="many">
      <legend>Metrics</legend>
      {metrics.map((metric, at) => (
        <div key={at} className="one">
          <Select aria-label={`Metric ${at + 1}`} searchable data={known.metrics.map(({ name }) => ({ value: name, label: words(name) }))} value={metric.name} allowDeselect={false} onChange={(name) => put(at, fresh(name!))} />
          <Setting metric={metric} known={known} onChange={(next) => put(at, next)} />
          {metrics.length > 1 && <button type="button" className="icon-button" aria-label={`Remove metric ${at + 1}`} onClick={() => onChange(metrics.filter((_, i) => i !== at))}><IconX size={14} aria-hidden /></button>}
        </div>
      ))}
      {metrics.length < most && <div><button type="button" className="icon-button lined" onClick={() => onChange([...metrics, metrics.at(-1) ?? fresh('count')])}><IconPlus size={13} aria-hidden /> Metric</button></div>}
    </fieldset>
  )
}

/** A metric with the setting it cannot do without. */
function fresh(name: string): Metric {
  if (name === 'slow_rate') return { name, threshold_ms: 2000 }
  if (OF_SCORES.has(name)) return { name, score: name === 'judgements' ? 'tool_loop' : 'user_feedback', ...(name === 'score_rate' ? { below: 0.5 } : {}) }
  return { name }
}

function Setting({ metric, known, onChange }: { metric: Metric; known: Words; onChange: (metric: Metric) => void }) {
  const takes = known.metrics.find((one) => one.name === metric.name)?.settings ?? []
  const scores = useQuery({ ...search.values('score'), enabled: takes.includes('score') })
  if (takes.includes('quantile')) return <NumberField aria-label="Quantile" w={90} min={0} max={1} step={0.05} empty={0} value={metric.quantile ?? 0.95} onChange={(quantile) => onChange({ ...metric, quantile: quantile ?? 0 })} />
  if (takes.includes('threshold_ms')) return <NumberField aria-label="Slower than, milliseconds" w={110} min={0} suffix="ms" empty={0} value={metric.threshold_ms ?? 2000} onChange={(ms) => onChange({ ...metric, threshold_ms: ms ?? 0 })} />
  if (takes.includes('bucket')) return <Select aria-label="Bucket" clearable placeholder="all" data={known.buckets.map((value) => ({ value, label: words(value) }))} value={metric.bucket ?? null} onChange={(bucket) => onChange({ name: metric.name, ...(bucket ? { bucket } : {}) })} />
  const score = <Autocomplete aria-label="Score" data={scores.data?.items.map((one) => one.value) ?? []} value={metric.score ?? ''} onChange={(score) => onChange({ ...metric, score })} />
  if (takes.includes('below')) return <>{score}<Line metric={metric} onChange={onChange} /></>
  if (takes.includes('score')) return score
  return null
}

/** On which side of which value a judgement is bad. */
function Line({ metric: { below, above, ...rest }, onChange }: { metric: Metric; onChange: (metric: Metric) => void }) {
  const side = above === undefined ? 'below' : 'above'
  const line = below ?? above ?? 0
  return (
    <>
      <Select aria-label="Bad are those" w={90} data={['below', 'above']} value={side} allowDeselect={false} onChange={(next) => onChange({ ...rest, [next!]: line })} />
      <NumberField aria-label="The line" w={80} step={0.1} empty={0} value={line} onChange={(next) => onChange({ ...rest, [side]: next ?? 0 })} />
    </>
  )
}

interface FilterRowsProps {
  filter: Record<string, string | string[]>
  known: string[]
  onChange: (filter: Record<string, string | string[]>) => void
}

/** The words a panel is narrowed by; those without a value yet stay while it is written. */
export function FilterRows({ filter, known, onChange }: FilterRowsProps) {
  const put = (held: Held[]) => onChange(Object.fromEntries(held.map((one) => [one.field, one.values])))
  return (
    <fieldset className="many">
      <legend>Only</legend>
      <Match out held={heldOf(filter)} fields={known} onChange={put} empty="All traffic except evaluation runs." />
    </fieldset>
  )
}
