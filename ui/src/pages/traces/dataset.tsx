import { Button, Checkbox, Modal } from '@mantine/core'
import { useQueries } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type NewItem, spanItem } from '@/api/tracing'
import type { TraceRow } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { plural, shortId } from '@/lib/format'
import { plain } from '@/lib/text'
import { DatasetName, useAddItems } from '@/parts/dataset-name'
import { TraceLink } from '@/parts/links'
import { ReasonedButton } from '@/parts/reasoned'
import { ProblemNote } from '@/parts/states'
import { useAccess } from '@/shell/access'

const SHOWN = 5

/** Traces that were marked, each as an item of a golden set: what was asked, and what was answered. */
export default function AddTraces({ rows, onClose }: { rows: TraceRow[]; onClose: () => void }) {
  useReturnedFocus()
  const access = useAccess()
  const [name, setName] = useState('')
  const [expecting, expect] = useState(true)
  const items = useQueries({ queries: rows.map((row) => spanItem(row.trace_id, row.said_by?.input ?? row.root_span_id ?? '')) })
  const pending = items.filter((one) => one.isPending).length
  const found = items.flatMap((one) => (one.data && plain(one.data.input).trim() ? [one.data] : []))
  const empty = rows.filter((_, i) => items[i]!.isError || (items[i]!.data && !plain(items[i]!.data.input).trim()))
  const add = useAddItems('them', onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ name, items: found.map((item) => (expecting ? item : { ...item, expected: null })) })
  }
  return (
    <Modal opened onClose={onClose} title={<strong>Put {plural(rows.length, 'trace')} into a golden set</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <DatasetName value={name} onChange={setName} />
        <Checkbox checked={expecting} onChange={(event) => expect(event.currentTarget.checked)} label="Use the recorded answer as expected" description="Until a person corrects it. Otherwise nothing is expected." />
        {pending > 0 ? <p className="quiet" role="status">Reading {plural(pending, 'trace')}…</p> : <Found items={found} />}
        {pending === 0 && empty.length > 0 && <p className="unsure" role="status">Left out because no question is stored: {empty.map((row, i) => <span key={row.trace_id}>{i > 0 && ', '}<TraceLink id={row.trace_id}>{shortId(row.trace_id)}</TraceLink></span>)}.</p>}
        {add.isError && <ProblemNote error={add.error} />}
        <div className="line">
          <span className="grow" />
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <ReasonedButton type="submit" loading={add.isPending} disabled={!name.trim() || pending > 0 || found.length === 0} why={access.why}>Put {found.length === 1 ? 'it' : 'them'} in</ReasonedButton>
        </div>
      </form>
    </Modal>
  )
}

function Found({ items }: { items: NewItem[] }) {
  return (
    <div>
      <ol className="quiet small" style={{ paddingLeft: '1.2rem' }}>{items.slice(0, SHOWN).map((item) => <li key={item.source_span}><div className="cut">{plain(item.input)}</div></li>)}</ol>
      {items.length > SHOWN && <p className="quiet small">and {items.length - SHOWN} more</p>}
    </div>
  )
}
