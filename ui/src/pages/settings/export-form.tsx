import { Button, Modal, SegmentedControl, Select, Switch, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { isThere, request } from '@/api/client'
import type { ExportDefinition, ExportTarget, ScheduledExport } from '@/api/forwarding'
import { EXPORT_FILTERS, filterOf, takesSeveral } from '@/lib/exports'
import { useReturnedFocus } from '@/lib/focus'
import { type Held, heldOf, openIn } from '@/lib/match'
import { LimitedInput } from '@/parts/limited'
import { Match } from '@/parts/match'
import { Overtaken } from '@/parts/overtaken'
import { ProblemNote } from '@/parts/states'

const WHAT = [{ value: 'traces', label: 'Traces' }, { value: 'spans', label: 'Spans' }, { value: 'scores', label: 'Scores' }]
const FORMATS = [{ value: 'parquet', label: 'Parquet' }, { value: 'csv', label: 'CSV' }, { value: 'jsonl', label: 'JSON Lines' }]
const EVERY = [{ value: 'hour', label: 'each hour' }, { value: 'day', label: 'each day (UTC)' }, { value: 'week', label: 'weekly (from Monday, UTC)' }]

/** One definition: what, how often, where to. No secret is typed here: the server's environment holds them. */
export function ExportForm({ existing, onClose }: { existing?: ScheduledExport; onClose: () => void }) {
  useReturnedFocus()
  const client = useQueryClient()
  const [name, setName] = useState(existing?.name ?? '')
  const [what, setWhat] = useState<string>(existing?.what ?? 'spans')
  const [held, setHeld] = useState<Held[]>(existing ? heldOf(existing.filter) : [])
  const [format, setFormat] = useState<string>(existing?.format ?? 'parquet')
  const [every, setEvery] = useState<string>(existing?.every ?? 'day')
  const [place, setPlace] = useState(existing?.target.s3 === undefined ? 'folder' : 's3')
  const [target, setTarget] = useState<ExportTarget>(existing?.target ?? { folder: '' })
  const [enabled, setEnabled] = useState(existing?.enabled ?? true)
  const [seen] = useState(existing?.revision)
  const path = `/exports/${encodeURIComponent(existing?.id ?? '')}`
  const save = useMutation({
    mutationFn: (anew: boolean) => (existing && !anew ? request('PUT', path, bodyOf(), undefined, seen) : request('POST', '/exports', bodyOf())),
    onSuccess: () => show(),
  })
  const show = async () => {
    await client.invalidateQueries({ queryKey: ['exports'] })
    onClose()
  }
  const bodyOf = (): ExportDefinition => ({ name: name.trim(), what, filter: filterOf(held), format, every, target: cleaned(target, place), enabled }) as ExportDefinition
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate(false)
  }
  const text = (field: keyof ExportTarget, label: string, description: string, required = false) => (
    <TextInput label={label} description={description} required={required} value={target[field] ?? ''} onChange={(event) => setTarget({ ...target, [field]: event.currentTarget.value })} />
  )
  return (
    <Modal opened onClose={onClose} title={<strong>{existing ? `Change ${existing.name}` : 'New export'}</strong>} size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <div className="rates">
          <LimitedInput label="Name" most={100} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus />
          <Select label="What" data={WHAT} value={what} allowDeselect={false} onChange={(value) => { setWhat(value!); setHeld([]) }} />
          <Select label="Format" data={FORMATS} value={format} allowDeselect={false} onChange={(value) => setFormat(value!)} />
          <Select label="A file for" data={EVERY} value={every} allowDeselect={false} onChange={(value) => setEvery(value!)} />
        </div>
        <Match single={(field) => !takesSeveral(what, field)} out held={held} fields={EXPORT_FILTERS[what] ?? []} onChange={setHeld} empty={`All ${what}.`} />
        <SegmentedControl size="xs" aria-label="Where to" data={[{ value: 'folder', label: 'A folder on the server' }, { value: 's3', label: 'A bucket (S3)' }]} value={place} onChange={setPlace} />
        {place === 'folder' ? (
          text('folder', 'Folder', 'Inside the server’s export directory.', true)
        ) : (
          <div className="rates">
            {text('s3', 'Bucket and prefix', 'bucket/prefix', true)}
            {text('region', 'Region', 'leave empty for the server’s')}
            {text('endpoint', 'Endpoint', 'for providers other than AWS')}
            {text('key_env', 'Key from', 'a variable ASSAY_EXPORT_…')}
            {text('secret_env', 'Secret from', 'a variable ASSAY_EXPORT_…')}
          </div>
        )}
        <Switch label="Turned on" checked={enabled} onChange={(event) => setEnabled(event.currentTarget.checked)} />
        {save.isError && <ProblemNote error={save.error} />}
        {existing && <Overtaken error={save.error} isThere={() => isThere(path)} onAnew={() => save.mutate(true)} onShow={() => void show()} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={!name.trim() || openIn(held) !== undefined || !(place === 'folder' ? target.folder : target.s3)?.trim()}>{existing ? 'Change it' : 'Export it'}</Button>
        </div>
      </form>
    </Modal>
  )
}

function cleaned(target: ExportTarget, place: string): ExportTarget {
  const own = place === 'folder' ? ['folder'] : ['s3', 'region', 'endpoint', 'key_env', 'secret_env']
  return Object.fromEntries(Object.entries(target).filter(([field, value]) => own.includes(field) && value?.trim()).map(([field, value]) => [field, value!.trim()]))
}
