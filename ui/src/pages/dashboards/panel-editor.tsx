import { Button, Input, Modal, SegmentedControl, Select, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, lazy, Suspense, useEffect, useState } from 'react'
import * as ask from '@/api/dashboards'
import type { Kind, Panel, Report, Scope, Words } from '@/api/dashboards'
import { schema as sqlSchema } from '@/api/sql'
import { useReturnedFocus } from '@/lib/focus'
import { capital } from '@/lib/format'
import { FieldSelect } from '@/parts/field-select'
import { AskToLeave } from '@/parts/leaving'
import { LimitedInput } from '@/parts/limited'
import { NumberField } from '@/parts/number-field'
import { Loaded, Skeleton } from '@/parts/states'
import { FilterRows, MetricRows } from './panel-fields'
import { PanelFrame } from './panel-view'

const SqlEditor = lazy(() => import('@/parts/sql-editor'))

interface Props {
  panel: Panel | undefined
  /** Ids that other panels have. */
  taken: string[]
  scope: Scope
  /** Whether there is anything to lose now. */
  onChanged: (changed: boolean) => void
  onDone: (panel: Panel) => void
  onClose: () => void
}

const FIRST: Panel = { id: '', title: '', width: 6, kind: 'line', metrics: [{ name: 'latency', quantile: 0.95 }], filter: { kind: ['llm'] }, group_by: null, top: 5 }
const SQL = 'SELECT time_bucket({bin}, start) AS time, count(*) AS calls\nFROM calls\nWHERE start >= {since} AND start < {until}\nGROUP BY ALL\nORDER BY time'

/** One panel with what it shows beside it, as it is being made. */
export default function PanelEditor({ panel, taken, scope, onChanged, onDone, onClose }: Props) {
  useReturnedFocus()
  const [draft, setDraft] = useState<Panel>(panel ?? FIRST)
  const known = useQuery(ask.words)
  const [leaving, leave] = useState(false)
  const changed = JSON.stringify(draft) !== JSON.stringify(panel ?? FIRST)
  useEffect(() => onChanged(changed), [changed]) // not `onChanged`: it is made anew with each drawing
  const close = () => (changed ? leave(true) : onClose())
  const [preview] = useDebouncedValue(draft, 400)
  const edit = (next: Partial<Panel>) => setDraft((before) => ({ ...before, ...next })) // two in one go keep each other's
  const submit = (event: FormEvent) => {
    event.preventDefault()
    onDone({ ...cleaned(draft), id: draft.id || idOf(draft.title, taken) })
  }
  return (
    <>
      <AskToLeave opened={leaving} what="this panel" onStay={() => leave(false)} onLeave={onClose} />
      <Modal opened onClose={close} size="75rem" title={<strong>{panel ? 'Edit the panel' : 'Add a panel'}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
        <Loaded query={known}>
          {(all) => (
            <form className="panel-form" onSubmit={submit}>
              <div className="fields">
                <LimitedInput label="Title" most={200} required data-autofocus value={draft.title} onChange={(event) => edit({ title: event.currentTarget.value })} />
                <LimitedInput label="Description" most={2000} value={draft.description ?? ''} onChange={(event) => edit({ description: event.currentTarget.value })} />
                <Shows draft={draft} edit={edit} />
                {draft.metrics && <MetricFields draft={draft} edit={edit} known={all} />}
                {draft.sql !== undefined && <SqlFields draft={draft} edit={edit} known={all} />}
                {draft.report && <ReportFields report={draft.report} change={(report) => edit({ report })} />}
                <Select label="Width" data={all.widths.map((width) => ({ value: `${width}`, label: `${width} of 12 columns` }))} value={`${draft.width}`} allowDeselect={false} onChange={(width) => edit({ width: Number(width) })} />
                <div className="line">
                  <Button type="submit" disabled={!draft.title.trim()}>{panel ? 'Done' : 'Add it'}</Button>
                  <Button variant="default" onClick={close}>Cancel</Button>
                </div>
              </div>
              <div className="preview"><PanelFrame panel={{ ...cleaned(preview), title: preview.title || 'Preview', id: preview.id || 'preview', width: 12 }} scope={scope} label={`Preview of ${preview.title || 'the panel'}`} /></div>
            </form>
          )}
        </Loaded>
      </Modal>
    </>
  )
}

interface FieldsProps {
  draft: Panel
  edit: (next: Partial<Panel>) => void
}

/** Metrics, SQL or a report: the others are let go. */
function Shows({ draft, edit }: FieldsProps) {
  const now = draft.sql !== undefined ? 'sql' : draft.report ? 'report' : 'metrics'
  const choose = (what: string) => {
    const none = { metrics: undefined, sql: undefined, report: undefined, group_by: null }
    if (what === 'sql') edit({ ...none, filter: {}, sql: SQL, kind: 'line' })
    else if (what === 'report') edit({ ...none, filter: {}, kind: undefined, report: { name: 'corrected_rate', score: 'groundedness', below: 0.5 } })
    else edit({ ...none, metrics: FIRST.metrics, kind: 'line' })
  }
  return <SegmentedControl fullWidth aria-label="What it shows" data={[{ value: 'metrics', label: 'Metrics' }, { value: 'sql', label: 'SQL' }, { value: 'report', label: 'Report' }]} value={now} onChange={choose} />
}

function MetricFields({ draft, edit, known }: FieldsProps & { known: Words }) {
  return (
    <>
      <KindSelect draft={draft} edit={edit} kinds={known.kinds} />
      <MetricRows metrics={draft.metrics ?? []} known={known} most={draft.kind === 'histogram' ? 1 : 6} onChange={(metrics) => edit({ metrics })} />
      <FilterRows filter={draft.filter ?? {}} known={known.filters} onChange={(filter) => edit({ filter })} />
      <div className="line" style={{ alignItems: 'end', flexWrap: 'nowrap' }}>
        <FieldSelect label="Group by" style={{ flex: 1 }} clearable placeholder="not grouped, or tag:…, attribute:…" known={known.groups} value={draft.group_by ?? null} onChange={(group_by) => edit({ group_by })} />
        <NumberField label="Shown" w={80} min={1} max={20} whole empty={1} value={draft.top ?? 8} onChange={(top) => edit({ top: top ?? 1 })} disabled={!draft.group_by} />
      </div>
    </>
  )
}

function SqlFields({ draft, edit, known }: FieldsProps & { known: Words }) {
  const schema = useQuery(sqlSchema)
  return (
    <>
      <KindSelect draft={draft} edit={edit} kinds={known.kinds.filter((kind) => kind !== 'histogram')} />
      <Input.Wrapper label="SQL" labelElement="div" description="{since}, {until} and {bin} are the range and its bins. {environment} and other variables hold what the viewer selects (NULL if nothing is selected). The first column is the axis.">
        <Suspense fallback={<Skeleton lines={5} />}><SqlEditor label="SQL" value={draft.sql ?? ''} onChange={(sql) => edit({ sql })} schema={schema.data} /></Suspense>
      </Input.Wrapper>
    </>
  )
}

function KindSelect({ draft, edit, kinds }: FieldsProps & { kinds: Kind[] }) {
  return <Select label="Drawn as" data={kinds.map((value) => ({ value, label: capital(value) }))} value={draft.kind ?? 'line'} allowDeselect={false} onChange={(kind) => edit({ kind: kind as Kind, metrics: kind === 'histogram' ? draft.metrics?.slice(0, 1) : draft.metrics })} />
}

const REPORTS: Record<Report['name'], string> = { corrected_rate: 'A rate corrected by labels', questions: 'The most common questions', parameter: 'A parameter and a score' }

function ReportFields({ report, change }: { report: Report; change: (report: Report) => void }) {
  const choose = (name: Report['name']) => change(name === 'questions' ? { name } : name === 'parameter' ? { name, parameter: 'temperature', score: 'user_feedback' } : { name, score: 'groundedness', below: 0.5 })
  return (
    <>
      <Select label="Report" data={Object.entries(REPORTS).map(([value, label]) => ({ value, label }))} value={report.name} allowDeselect={false} onChange={(name) => choose(name as Report['name'])} />
      {report.name === 'parameter' && <TextInput label="Parameter" required value={report.parameter ?? ''} onChange={(event) => change({ ...report, parameter: event.currentTarget.value })} />}
      {report.name !== 'questions' && <TextInput label="Score" required value={report.score ?? ''} onChange={(event) => change({ ...report, score: event.currentTarget.value })} />}
      {report.name === 'corrected_rate' && <NumberField label="Bad is below" step={0.1} empty={0} value={report.below ?? 0.5} onChange={(below) => change({ name: report.name, score: report.score, below: below ?? 0 })} />}
    </>
  )
}

/** Without filters that have no value yet. */
function cleaned(draft: Panel): Panel {
  return { ...draft, filter: Object.fromEntries(Object.entries(draft.filter ?? {}).filter(([, value]) => value.length > 0)) }
}

/** Made of the title, and of a number where that is taken. */
function idOf(title: string, taken: string[]): string {
  const base = title.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 60) || 'panel'
  for (let n = 1; ; n++) {
    const id = n === 1 ? base : `${base}-${n}`
    if (!taken.includes(id)) return id
  }
}
