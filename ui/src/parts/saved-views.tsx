import { Button, Menu, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery } from '@tanstack/react-query'
import { IconBookmark, IconCheck } from '@tabler/icons-react'
import { type FormEvent, useState } from 'react'
import * as ask from '@/api/views'
import type { Seen, View } from '@/api/views'
import { defaultView } from '@/lib/choices'
import { useReturnedFocus } from '@/lib/focus'
import { person } from '@/lib/format'
import { type Search, writeSearch } from '@/lib/search'
import { useAccess } from '@/shell/access'
import { LimitedInput } from './limited'
import { ReasonedItem } from './reasoned'
import { ProblemNote } from './states'

interface SavedViewsProps {
  page: string
  /** What a view of this page keeps: its filters and columns, not what is open in it. */
  query: Search
  onOpen: (query: Search) => void
}

/** Filters that were given a name, for everybody in the project; one of them may be how the page begins for this reader. */
export function SavedViews({ page, query, onOpen }: SavedViewsProps) {
  const views = useQuery(ask.views(page))
  const access = useAccess()
  const [naming, setNaming] = useState<{ was?: Seen } | null>(null)
  const [removing, setRemoving] = useState<Seen | null>(null)
  const items = views.data ?? []
  const now = writeSearch(query)
  const current = items.find((view) => writeSearch(view.query) === now)
  const [mine, setMine] = useState(defaultView.of(page))
  const keep = (name: string | null) => {
    defaultView.set(page, name)
    setMine(name)
    notifications.show({ message: name ? `This page now opens with “${name}” in this browser.` : 'This page now opens without filters.', autoClose: 4000 })
  }
  return (
    <>
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <Button variant="default" leftSection={<IconBookmark size={14} aria-hidden />}><span className="cut" style={{ maxWidth: '12rem' }}>{current?.name ?? 'Views'}</span></Button>
        </Menu.Target>
        <Menu.Dropdown>
          {views.isError && <Menu.Item disabled>Could not load views.</Menu.Item>}
          {items.map((view) => <ViewItem key={view.name} view={view} current={view === current} begins={view.name === mine} onOpen={() => onOpen(view.query)} />)}
          {items.length === 0 && !views.isError && <Menu.Item disabled>No saved views yet</Menu.Item>}
          <Menu.Divider />
          {!current && <ReasonedItem why={access.why} onClick={() => setNaming({})}>Save these filters…</ReasonedItem>}
          {current && current.name !== mine && <Menu.Item onClick={() => keep(current.name)}>Open with this view</Menu.Item>}
          {mine && <Menu.Item onClick={() => keep(null)}>Open without a view</Menu.Item>}
          {current && access.write && <Menu.Item onClick={() => setNaming({ was: current })}>Rename…</Menu.Item>}
          {current && access.write && <Menu.Item color="red.8" onClick={() => setRemoving(current)}>Delete…</Menu.Item>}
          {current && access.why && <Menu.Label>{access.why}</Menu.Label>}
        </Menu.Dropdown>
      </Menu>
      {naming && <NameView {...naming} page={page} query={query} onClose={() => setNaming(null)} taken={items} />}
      {removing && <RemoveView view={removing} onClose={() => setRemoving(null)} />}
    </>
  )
}

function ViewItem({ view, current, begins, onOpen }: { view: View; current: boolean; begins: boolean; onOpen: () => void }) {
  return (
    <Menu.Item onClick={onOpen} leftSection={current ? <IconCheck size={14} aria-label="shown now" /> : <span style={{ display: 'inline-block', width: 14 }} />} rightSection={begins && <span className="quiet small">first</span>} title={`saved by ${person(view.updated_by)}`}>
      {view.name}
    </Menu.Item>
  )
}

interface NameViewProps {
  page: string
  query: Search
  was?: Seen
  taken: Seen[]
  onClose: () => void
}

function NameView({ page, query, was, taken, onClose }: NameViewProps) {
  useReturnedFocus()
  const [name, setName] = useState(was?.name ?? '')
  const save = ask.useSaveView((saved) => {
    if (was !== undefined && defaultView.of(page) === was.name) defaultView.set(page, saved)
    notifications.show({ message: `“${saved}” is saved for everyone in this project.`, autoClose: 4000 })
    onClose()
  })
  const over = taken.find((view) => view.name === name.trim())
  const replaces = over !== undefined && over.name !== was?.name
  const submit = (event: FormEvent) => {
    event.preventDefault()
    save.mutate({ name: name.trim(), page, query, over, was })
  }
  return (
    <Modal opened onClose={onClose} title={<strong>{was === undefined ? 'Save these filters' : `Rename “${was.name}”`}</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <LimitedInput label="Name" most={100} required value={name} onChange={(event) => setName(event.currentTarget.value)} data-autofocus description="Visible to everyone in this project." />
        {replaces && <p className="notice unsure">A view with this name exists and would be replaced.</p>}
        {save.isError && <ProblemNote error={save.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button type="submit" loading={save.isPending} disabled={!name.trim()}>{replaces ? 'Replace it' : was === undefined ? 'Save' : 'Rename'}</Button>
        </div>
      </form>
    </Modal>
  )
}

function RemoveView({ view, onClose }: { view: Seen; onClose: () => void }) {
  useReturnedFocus()
  const remove = ask.useDeleteView()
  return (
    <Modal opened onClose={onClose} title={<strong>Delete “{view.name}”?</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="stack">
        <p>It is removed for everyone in this project. Copied links keep working because they contain the filters.</p>
        {remove.isError && <ProblemNote error={remove.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button color="red.8" loading={remove.isPending} onClick={() => remove.mutate(view, { onSuccess: onClose })}>Delete</Button>
        </div>
      </div>
    </Modal>
  )
}
