import { Button, Radio, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { IconDownload } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/keeping'
import type { Deletion, Doomed, Found } from '@/api/keeping'
import { plural, shortId } from '@/lib/format'
import { removedIn } from '@/lib/keeping'
import { useAddress } from '@/lib/search'
import { ReasonDialog } from '@/parts/dialog'
import { TraceLink } from '@/parts/links'
import { Listed, More, usePages } from '@/parts/list'
import { Facts, Section } from '@/parts/page'
import { ProblemNote } from '@/parts/states'
import { StatusTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** Everything about one person, or of one trace: found, deleted, looked for again, and proved. */
export default function Deletions() {
  const access = useAccess()
  if (!access.admin) return <p className="second">Only admins of this project can delete a person’s data. {access.why}</p>
  return <ForAdmins />
}

type What = 'user' | 'trace'
const FIELDS = {
  user: { label: 'User', description: 'The user id as it appears in traces. An e-mail address is matched by the pseudonym that replaced it.' },
  trace: { label: 'Trace', description: 'The trace id. The whole trace is deleted, whoever it mentions. Use this for a secret that ended up in a trace.' },
}

function ForAdmins() {
  const done = usePages<Deletion>(ask.deletions())
  const [address] = useAddress()
  const [what, setWhat] = useState<What>(address.trace ? 'trace' : 'user')
  const [id, setId] = useState(address.trace ?? address.user ?? '') // a link brings ids that no field can hold, such as those with a line end
  const [deleting, setDeleting] = useState(false)
  const of: Doomed = what === 'user' ? { user: id } : { trace_id: id.trim() }
  const search = useMutation({ mutationFn: () => ask.searched(of, 'searching…') })
  const look = (event: FormEvent) => {
    event.preventDefault()
    search.mutate()
  }
  const changed = (next: string) => {
    setId(next)
    search.reset()
  }
  return (
    <div className="stack" style={{ gap: 'var(--gap)' }}>
      <Section title="Delete a person’s data, or one trace" note="spans, scores, logs and answers, with a proof of what was deleted">
        <div><SegmentedControl aria-label="What is deleted" size="xs" data={[{ value: 'user', label: 'A person' }, { value: 'trace', label: 'One trace' }]} value={what} onChange={(next) => { setWhat(next as What); changed('') }} /></div>
        <form className="line" onSubmit={look} style={{ alignItems: 'flex-end' }}>
          <TextInput {...FIELDS[what]} required value={id} onChange={(event) => changed(event.currentTarget.value)} className="grow" maw="30rem" />
          <Button type="submit" variant="default" loading={search.isPending} disabled={id === ''}>Find data</Button>
        </form>
        {search.isError && <ProblemNote error={search.error} />}
        {search.data && <Preview of={of} found={search.data} onDelete={() => setDeleting(true)} />}
      </Section>
      <Section title="Deletions" note="newest first; the person’s id is not kept, only its salted hash">
        <Listed pages={done} empty={<p className="second">Nothing has been deleted yet.</p>}>
          {(rows) => <Table label="Deletions, newest first" rows={rows} columns={COLUMNS} rowKey={(row) => row.id} footer={<More pages={done} noun="deletion" />} />}
        </Listed>
      </Section>
      {deleting && search.data && <Delete of={of} found={search.data} onClose={() => setDeleting(false)} onDone={() => changed('')} />}
    </div>
  )
}

function Preview({ of, found, onDelete }: { of: Doomed; found: Found; onDelete: () => void }) {
  const nothing = removedIn(found.found) === 'nothing'
  if (nothing && found.held.length === 0) return 'user' in of ? <Nobody user={of.user} /> : <p className="notice">Nothing is stored for a trace <q>{of.trace_id}</q>. Open this form from the trace’s page to fill in its id.</p>
  return (
    <div className="stack">
      <p className="lead">Stored of this {'user' in of ? 'person' : 'trace'}: {removedIn(found.found)}.</p>
      <Facts rows={[['First', found.first && <Time key="first" at={found.first} full />], ['Last', found.last && <Time key="last" at={found.last} full />], ['Sessions', found.sessions], ['Hash', found.user_hash && <code key="hash" title={found.user_hash}>{found.user_hash.slice(0, 22)}…</code>], ['Trace', found.trace_id && <TraceLink key="trace" id={found.trace_id}>{shortId(found.trace_id)}</TraceLink>]]} />
      <Held found={found} />
      <div><Button color="red.8" onClick={onDelete}>Delete it…</Button></div>
    </div>
  )
}

function Nobody({ user }: { user: string }) {
  return <p className="notice">Nothing is stored for <q>{user}</q>. {user !== user.trim() && 'The trailing space was included in the search. '}Ids must match exactly, as they were sent. The page of a <Link to="/users">user</Link> opens this form with the right one.</p>
}

/** What a deletion does not reach by itself. */
function Held({ found }: { found: Found }) {
  if (found.held.length === 0 && found.copies.length === 0) return null
  return (
    <ul className="bullets second">
      {found.held.map((one) => <li key={one.dataset}>{plural(one.items.length, 'item')} from the golden set <strong>{one.dataset}</strong>, version {one.versions.join(', ')}, came from {found.trace_id ? 'this trace' : 'this person’s traces'}.</li>)}
      {found.copies.map((one) => <li key={one.backup}>The backup of <Time at={one.made_at} full /> holds a copy{one.expires_at ? <>, until <Time at={one.expires_at} full /></> : ' and does not expire'}.</li>)}
    </ul>
  )
}

function Delete({ of, found, onClose, onDone }: { of: Doomed; found: Found; onClose: () => void; onDone: () => void }) {
  const [typed, setTyped] = useState('')
  const [datasets, setDatasets] = useState('keep')
  const [title, confirm, wanted] = 'user' in of
    ? ['Delete everything about this person', 'Type the user to confirm', inLine(of.user)]
    : ['Delete this trace', 'Type the beginning of its id to confirm', of.trace_id.slice(0, 8)]
  return (
    <ReasonDialog
      opened
      onClose={onClose}
      onDone={onDone}
      title={title}
      action="Delete permanently"
      danger
      disabled={inLine(typed) !== wanted}
      done="The deletion has started. Its proof will appear in the list."
      send={(reason) => post('/deletions', { ...of, reason, datasets })}
    >
      <p>{removedIn(found.found)} will be deleted, also from the text index, and the files are rewritten so that nothing is left in them. <strong>This cannot be undone.</strong> Past totals and charts will change. Data that arrives later is stored again{'user' in of ? ', so ask the sender to stop first' : ''}.</p>
      <Held found={found} />
      {found.held.length > 0 && (
        <Radio.Group label="Items of golden sets" value={datasets} onChange={setDatasets}>
          <div className="stack" style={{ gap: '0.3rem', marginTop: 4 }}>
            <Radio value="keep" label="Keep them. Verdicts were computed on these versions. The proof lists them." />
            <Radio value="erase" label="Erase their content. The versions stay, with a gap where the item was." />
          </div>
        </Radio.Group>
      )}
      <TextInput label={`${confirm}: ${wanted}`} autoComplete="off" value={typed} onChange={(event) => setTyped(event.currentTarget.value)} />
    </ReasonDialog>
  )
}

/** What somebody has to decide over or wait for: a deletion that is done does not reach it. */
function Remaining({ of }: { of: Deletion }) {
  if (of.remaining.length === 0) return null
  return (
    <ul className="bullets small second" style={{ overflowWrap: 'anywhere' }} aria-label="What remains">
      {of.remaining.map((one) => (
        <li key={one.where}>
          {one.where}{one.items && ` (${plural(one.items.length, 'item')})`}: {one.why}
          {one.backup && (one.expires_at ? <>; it expires <Time at={one.expires_at} full /></> : '; it does not expire')}
        </li>
      ))}
    </ul>
  )
}

/** As it is seen on a page and can be typed. */
const inLine = (id: string) => id.replace(/\s+/g, ' ').trim()

const COLUMNS: Column<Deletion>[] = [
  { id: 'status', head: 'Status', className: 'nowrap', cell: (row) => <><StatusTag status={row.status === 'done' && row.remaining.length > 0 ? 'done_but' : row.status} />{row.status === 'running' && row.step && <span className="quiet small"> {row.step}</span>}</> },
  {
    id: 'what',
    head: 'What',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0, padding: '0.2rem 0' }}>
        <div>{removedIn(row.found)} of {row.trace_id ? <>the trace <code title={row.trace_id}>{shortId(row.trace_id)}</code></> : <code title={row.user_hash ?? undefined}>{shortId((row.user_hash ?? '').replace('sha256:', ''))}</code>}</div>
        <div className="small second">{row.reason}</div>
        {row.error && <div className="small bad">{row.error}</div>}
        <Remaining of={row} />
      </div>
    ),
  },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => <Person actor={row.requested_by} /> },
  { id: 'at', head: 'When', className: 'num hide-s', cell: (row) => <Time at={row.ended_at ?? row.requested_at} full /> },
  { id: 'proof', head: 'Proof', className: 'num', cell: (row) => (row.proof ? <a href={row.proof} download={`${row.id}.json`} className="icon-button lined" aria-label={`Download the proof of ${row.id}`}><IconDownload size={14} aria-hidden /> Proof</a> : <span className="quiet">not yet</span>) },
]
