import { Button, Modal, Textarea } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type NewItem, spanItem } from '@/api/tracing'
import type { Span } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { plain } from '@/lib/text'
import { Copy } from '@/parts/copy'
import { DatasetName, useAddItems } from '@/parts/dataset-name'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, ProblemNote } from '@/parts/states'
import { useAccess } from '@/shell/access'

/** The span as an item of a golden set: a new version of the set, or a new set. */
export default function AddToDataset({ span, onClose }: { span: Span; onClose: () => void }) {
  useReturnedFocus()
  const item = useQuery(spanItem(span.trace_id, span.span_id))
  return (
    <Modal opened onClose={onClose} title={<strong>Add to a golden set</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded query={item} lines={8}>{(one) => <ItemForm item={one} onClose={onClose} />}</Loaded>
    </Modal>
  )
}

function ItemForm({ item, onClose }: { item: NewItem; onClose: () => void }) {
  const access = useAccess()
  const [name, setName] = useState('')
  const [expected, setExpected] = useState(plain(item.expected))
  const add = useAddItems('it', onClose)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate({ name, items: [{ ...item, expected: expected.trim() || null }] })
  }
  return (
    <form className="stack" onSubmit={submit}>
      <DatasetName value={name} onChange={setName} />
      <Textarea label="Input" readOnly autosize minRows={2} maxRows={8} value={plain(item.input)} />
      <Textarea label="Expected" description="The recorded answer, until a person corrects it. Leave empty to expect nothing." autosize minRows={2} maxRows={10} value={expected} onChange={(event) => setExpected(event.currentTarget.value)} />
      {item.contexts && <p className="quiet small">With its {item.contexts.length} retrieved documents. The item links to this span.</p>}
      {add.isError && <ProblemNote error={add.error} />}
      <div className="line">
        <Copy text={JSON.stringify(item)} label="Copy as JSON Lines">Copy as JSON</Copy>
        <span className="grow" />
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <ReasonedButton type="submit" loading={add.isPending} disabled={!name.trim()} why={access.why}>Put it in</ReasonedButton>
      </div>
    </form>
  )
}
