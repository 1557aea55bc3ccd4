import { Autocomplete, Button, Modal, Textarea } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { Problem, post } from '@/api/client'
import * as ask from '@/api/queries'
import { type NewItem, spanItem } from '@/api/tracing'
import type { Dataset, Span } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { plural } from '@/lib/format'
import { plain } from '@/lib/text'
import { Copy } from '@/parts/copy'
import { usePages } from '@/parts/list'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded, ProblemNote } from '@/parts/states'
import { useAccess } from '@/shell/access'

/** The span as an item of a golden set: a new version of the set, or a new set. */
export default function AddToDataset({ span, onClose }: { span: Span; onClose: () => void }) {
  useReturnedFocus()
  const item = useQuery(spanItem(span.trace_id, span.span_id))
  return (
    <Modal opened onClose={onClose} title={<strong>Put it into a golden set</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded query={item} lines={8}>{(one) => <ItemForm item={one} onClose={onClose} />}</Loaded>
    </Modal>
  )
}

function ItemForm({ item, onClose }: { item: NewItem; onClose: () => void }) {
  const datasets = usePages<Dataset>(ask.datasets()).rows
  const access = useAccess()
  const client = useQueryClient()
  const [name, setName] = useState('')
  const [expected, setExpected] = useState(plain(item.expected))
  const known = datasets.find((one) => one.name === name.trim())
  const add = useMutation({
    mutationFn: () => put(name.trim(), { ...item, expected: expected.trim() || null }),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['datasets'] })
      notifications.show({ message: `${made.name} v${made.version} holds it: ${plural(made.items, 'item')}.`, autoClose: 6000 })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    add.mutate()
  }
  return (
    <form className="stack" onSubmit={submit}>
      <Autocomplete label="Dataset" description={name.trim() && !known ? 'A new one of this name is made.' : known ? `A new version is made: v${known.version + 1}. The versions before stay as they are.` : 'One that is there, or a new name.'} required data={[...new Set(datasets.map((one) => one.name))]} value={name} onChange={setName} autoFocus />
      <Textarea label="Input" readOnly autosize minRows={2} maxRows={8} value={plain(item.input)} />
      <Textarea label="Expected" description="What was answered, until a person corrects it. Empty: nothing is expected." autosize minRows={2} maxRows={10} value={expected} onChange={(event) => setExpected(event.currentTarget.value)} />
      {item.contexts && <p className="quiet small">With its {item.contexts.length} retrieved documents. The item remembers this span.</p>}
      {add.isError && <ProblemNote error={add.error} />}
      <div className="line">
        <Copy text={JSON.stringify(item)} label="Copy as a line of JSON">Copy as JSON</Copy>
        <span className="grow" />
        <Button variant="default" onClick={onClose}>Cancel</Button>
        <ReasonedButton type="submit" loading={add.isPending} disabled={!name.trim()} why={access.why}>Put it in</ReasonedButton>
      </div>
    </form>
  )
}

/** Behind the items of the newest version; a name that nobody used yet is a new dataset. */
async function put(name: string, item: unknown): Promise<Dataset> {
  try {
    return await post<Dataset>(`/datasets/${name.split('/').map(encodeURIComponent).join('/')}/items`, { items: [item] })
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error
    return post<Dataset>('/datasets', { name, items: [item] })
  }
}
