import { Button, Modal, NumberInput, Select, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { post } from '@/api/client'
import type { Monitor, Rule } from '@/api/monitors'
import { words } from '@/lib/format'
import { ReasonDialog } from '@/parts/dialog'
import { ProblemNote } from '@/parts/states'

const METRICS = ['latency', 'error_rate', 'slow_rate', 'cost', 'cost_per_request', 'tokens', 'tokens_per_request', 'requests', 'count', 'schema_violations', 'score']
const GROUPS = ['kind', 'name', 'model', 'provider', 'service', 'environment', 'user', 'session', 'release', 'channel', 'arm', 'prompt']
const RULES = [
  { value: 'threshold', label: 'goes above a limit' },
  { value: 'below', label: 'falls below a limit' },
  { value: 'change', label: 'leaves what is usual' },
  { value: 'missing', label: 'is missing' },
]
const WINDOWS = [['300', '5 minutes'], ['900', '15 minutes'], ['3600', '1 hour'], ['21600', '6 hours'], ['86400', '1 day']].map(([value, label]) => ({ value: value!, label: label! }))
const LIMITS: Record<string, string> = { threshold: 'Limit', below: 'Limit', change: 'By more than, in %', missing: 'Fewer than' }

/** The usual ones; every other definition goes through the API. */
export function NewMonitor({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('')
  const [metric, setMetric] = useState('latency')
  const [extra, setExtra] = useState<string | number>(0.95)
  const [kind, setKind] = useState('change')
  const [limit, setLimit] = useState<string | number>(50)
  const [group, setGroup] = useState<string | null>(null)
  const [width, setWidth] = useState('3600')
  const client = useQueryClient()
  const navigate = useNavigate()
  const body = { name: name.trim(), metric: metricOf(metric, extra), rule: ruleOf(kind, Number(limit)), group_by: group, window_s: Number(width) }
  const create = useMutation({
    mutationFn: () => post<Monitor>('/monitors', body),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['monitors'] })
      await navigate({ to: '/monitors/$monitorId', params: { monitorId: made.id } })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  const named = PARAMETERS[metric]
  return (
    <Modal opened onClose={onClose} title={<strong>New monitor</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <TextInput label="Name" required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
        <div className="rates">
          <Select label="Alarm when" data={METRICS.map((value) => ({ value, label: words(value) }))} value={metric} allowDeselect={false} onChange={(value) => { setMetric(value!); setExtra(PARAMETERS[value!]?.start ?? '') }} />
          {named && (metric === 'score' ? <TextInput label={named.label} required value={extra} onChange={(event) => setExtra(event.currentTarget.value)} /> : <NumberInput label={named.label} required value={extra} onChange={setExtra} />)}
          <Select label="Does what" data={RULES} value={kind} allowDeselect={false} onChange={(value) => setKind(value!)} />
          <NumberInput label={LIMITS[kind]} required min={0} value={limit} onChange={setLimit} />
          <Select label="Over" data={WINDOWS} value={width} allowDeselect={false} onChange={(value) => setWidth(value!)} />
          <Select label="For each" placeholder="all together" clearable data={GROUPS} value={group} onChange={setGroup} />
        </div>
        <p className="quiet small">Latencies are milliseconds, rates are shares from 0 to 1, costs are dollars. What is usual is learned from the last 28 days. Everything else (filters, burn rates, who is told) can be said through the API: <code>POST /api/v1/monitors</code>.</p>
        {create.isError && <ProblemNote error={create.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={create.isPending} disabled={!name.trim() || limit === '' || (named !== undefined && extra === '')}>Watch it</Button>
        </div>
      </form>
    </Modal>
  )
}

const PARAMETERS: Record<string, { label: string; field: string; start: string | number }> = {
  latency: { label: 'Quantile', field: 'quantile', start: 0.95 },
  slow_rate: { label: 'Slower than, in ms', field: 'threshold_ms', start: 2000 },
  score: { label: 'Score', field: 'score', start: '' },
}

function metricOf(name: string, extra: string | number) {
  const parameter = PARAMETERS[name]
  return parameter ? { name, [parameter.field]: name === 'score' ? String(extra).trim() : Number(extra) } : { name }
}

function ruleOf(kind: string, limit: number): Rule {
  if (kind === 'threshold') return { kind, above: limit }
  if (kind === 'below') return { kind: 'threshold', below: limit }
  if (kind === 'missing') return { kind, min_count: limit }
  return { kind: 'change', change: limit / 100, direction: 'up' }
}

/** For a while nobody is told; incidents open all the same. */
export function Silence({ path, onClose }: { path: string; onClose: () => void }) {
  const [minutes, setMinutes] = useState('120')
  return (
    <ReasonDialog opened onClose={onClose} title="Silence this monitor" action="Silence it" done="Nobody is told for a while." send={(reason) => post(`${path}/silence`, { minutes: Number(minutes), reason })}>
      <p>Incidents open all the same. Messages wait until the silence is over, and are not sent if the trouble has passed by then.</p>
      <Select label="For" data={[{ value: '30', label: '30 minutes' }, { value: '120', label: '2 hours' }, { value: '1440', label: '1 day' }, { value: '10080', label: '1 week' }]} value={minutes} allowDeselect={false} onChange={(value) => setMinutes(value!)} />
    </ReasonDialog>
  )
}
