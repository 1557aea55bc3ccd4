import { Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { get, post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Key, List, Score } from '@/api/types'
import { score as figure, words } from '@/lib/format'
import { Snippet } from '@/parts/copy'
import { LimitedInput } from '@/parts/limited'
import { TraceLink } from '@/parts/links'
import { Section } from '@/parts/page'
import { Loaded, ProblemNote } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** What end users think: a key that can only write scores, the lines for a page, and what has come. */
export default function Feedback() {
  const [secret, setSecret] = useState('')
  const scores = useQuery({ queryKey: ['scores', 'end_user'], queryFn: () => get<List<Score>>('/scores', { source: 'end_user', limit: 20 }), refetchInterval: 5_000 })
  return (
    <div className="stack" style={{ gap: 'var(--gap)', maxWidth: '62rem' }}>
      <PublicKey onMade={setSecret} />
      <Section title="2. Add this to your page" note="your browser fills in the key">
        <p className="second prose">Your application’s answer must include the trace id: <code>assay.current_span().trace_id</code> in the SDK, the header <code>x-assay-trace-id</code> from the gateway. Thumbs, stars or a slider: any number works.</p>
        <Snippet text={snippetOf(secret || 'sk_…', window.location.origin)} />
      </Section>
      <Section title="3. Feedback received" note="newest first">
        <Loaded query={scores} lines={3}>
          {({ items }) =>
            items.length === 0 ? (
              <p className="second prose">No end-user feedback yet. It will appear here, on its trace, as a column in the <Link to="/traces" search={{ cols: 'model,user,score.user_feedback,cost' }}>list of traces</Link>, as a filter (<code>score.user_feedback&lt;0.5</code>) and as a metric in <Link to="/monitors/new">monitors</Link>.</p>
            ) : (
              <>
                <Table label="Feedback, newest first" rows={items} columns={COLUMNS} rowKey={(row) => row.id} />
                <p className="quiet small"><Link to="/traces" search={{ q: `score.${items[0]!.name}<0.5`, cols: `model,user,score.${items[0]!.name},cost` }}>Traces with bad feedback</Link></p>
              </>
            )
          }
        </Loaded>
      </Section>
    </div>
  )
}

function PublicKey({ onMade }: { onMade: (secret: string) => void }) {
  const access = useAccess()
  const client = useQueryClient()
  const keys = useQuery({ ...ask.keys, enabled: access.admin })
  const [name, setName] = useState('feedback of the shop')
  const create = useMutation({
    mutationFn: () => post<Key>('/keys', { name: name.trim(), role: 'score' }),
    onSuccess: async (key) => {
      onMade(key.secret ?? '')
      await client.invalidateQueries({ queryKey: ['keys'] })
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    create.mutate()
  }
  const known = keys.data?.items.filter((key) => key.role === 'score' && !key.revoked_at) ?? []
  return (
    <Section title="1. A public key" note="it can only write scores, and cannot read anything">
      {!access.admin && <p className="second">Only admins of this project can create keys. {access.why}</p>}
      {known.length > 0 && <p className="second">There {known.length === 1 ? 'is' : 'are'} {known.map((key) => key.name ?? key.id).join(', ')} already; <Link to="/settings">the list of keys</Link> is where you revoke one that is abused.</p>}
      {access.admin && !create.data && (
        <form className="line" style={{ alignItems: 'flex-end' }} onSubmit={submit}>
          <LimitedInput label="Name" most={100} required value={name} onChange={(event) => setName(event.currentTarget.value)} className="grow" maw="22rem" />
          <Button type="submit" loading={create.isPending} disabled={!name.trim()}>Create key</Button>
        </form>
      )}
      {create.data && <><p><strong>Copy it now:</strong> it is not stored and cannot be shown again. It is safe to publish in a web page.</p><Snippet text={create.data.secret ?? ''} /></>}
      {create.isError && <ProblemNote error={create.error} />}
    </Section>
  )
}

function snippetOf(key: string, origin: string): string {
  return `function feedback(traceId, thumb, comment) {
  return fetch("${origin}/api/v1/scores", {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer ${key}" },
    keepalive: true, // survives leaving the page
    body: JSON.stringify({
      id: \`feedback-\${traceId}\`, // sent twice, stored once
      name: "user_feedback",
      value: thumb ? 1 : 0,
      label: thumb ? "up" : "down",
      reason: comment, // scrubbed of personal data like everything else
      trace_id: traceId,
    }),
  });
}`
}

const COLUMNS: Column<Score>[] = [
  { id: 'name', head: 'Score', className: 'nowrap', cell: (row) => <strong>{words(row.name)}</strong> },
  { id: 'value', head: 'Value', className: 'num', cell: (row) => <>{row.value !== null && figure(row.value)}{row.label && <span className={row.value === null ? undefined : 'quiet'}> {row.label}</span>}</> },
  { id: 'reason', head: 'Comment', className: 'main-cell', cell: (row) => <div className="cut second" title={row.reason ?? undefined}>{row.reason ?? <span className="quiet">none</span>}</div> },
  { id: 'trace', head: 'Trace', className: 'nowrap hide-s', cell: (row) => (row.trace_id ? <TraceLink id={row.trace_id} /> : row.session ? <Link to="/sessions/one" search={{ id: row.session }}>its session</Link> : <span className="quiet">none</span>) },
  { id: 'time', head: 'When', className: 'num', cell: (row) => <Time at={row.time} /> },
]
