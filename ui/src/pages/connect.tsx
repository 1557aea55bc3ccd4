import { Button, PasswordInput, Select } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useRef, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/connect'
import { info } from '@/api/queries'
import type { Key } from '@/api/types'
import { titled } from '@/lib/format'
import { serverNow } from '@/lib/now'
import { useAddress } from '@/lib/search'
import { type TailSpan, useTail } from '@/lib/tail'
import { Snippet } from '@/parts/copy'
import { TraceLink } from '@/parts/links'
import { Page, Section } from '@/parts/page'
import { Loaded, ProblemNote, Waiting } from '@/parts/states'
import { Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

/** Three lines bring traces here: choose what the application uses, fill in a key, see the first one arrive. */
export function Connect() {
  const [address, change] = useAddress()
  const clients = useQuery(ask.clients)
  const port = useQuery(info).data?.grpc_port ?? 4317
  const [key, setKey] = useState('')
  return (
    <Page title="Connect an application">
      <p className="lead">Set three environment variables, and your traces appear here.</p>
      <Loaded query={clients}>
        {({ items }) => {
          const chosen = items.find((one) => one.client === address.client) ?? items[0]
          return (
            <div className="stack" style={{ gap: 'var(--gap)', maxWidth: '52rem' }}>
              <Section title="1. Choose your client">
                <Select aria-label="Client" data={items.map((one) => ({ value: one.client, label: one.title }))} value={chosen?.client ?? null} allowDeselect={false} searchable onChange={(client) => change({ client: client ?? undefined }, true)} />
              </Section>
              <OwnKey value={key} onChange={setKey} />
              <Section title="3. Set this where your application runs" note="your browser fills in the key; it is not sent anywhere">
                {chosen && ask.usesGrpc(chosen) && port === 0 ? <p className="notice">This server does not accept OTLP over gRPC: it was started with <code>--grpc-port 0</code>, or the port was already in use when it started (see its log). <code>assay up --grpc-port N</code> uses another port.</p> : chosen && <Snippet text={ask.filled(chosen, key, window.location.origin, port)} />}
              </Section>
              <Arrival />
            </div>
          )
        }}
      </Loaded>
    </Page>
  )
}

function OwnKey({ value, onChange }: { value: string; onChange: (key: string) => void }) {
  const access = useAccess()
  const client = useQueryClient()
  const create = useMutation({
    mutationFn: () => post<Key>('/keys', { name: 'an application', role: 'ingest' }),
    onSuccess: async (key) => {
      onChange(key.secret ?? '')
      await client.invalidateQueries({ queryKey: ['keys'] })
    },
  })
  return (
    <Section title="2. Its key">
      <div className="line">
        <PasswordInput className="grow" aria-label="Key" placeholder="sk_…" autoComplete="off" value={value} onChange={(event) => onChange(event.currentTarget.value)} visibilityToggleButtonProps={{ 'aria-label': 'Show the key', tabIndex: 0 }} />
        {access.admin && <Button variant="default" loading={create.isPending} disabled={Boolean(create.data)} onClick={() => create.mutate()}>Create one</Button>}
      </div>
      {create.data && <p className="second small">A new key that can send traces and call models. Copy the lines below now: the secret is not stored and will not be shown again.</p>}
      {create.isError && <ProblemNote error={create.error} />}
      {!access.admin && <p className="quiet small">Only admins of this project can create keys. Paste yours.</p>}
    </Section>
  )
}

const EVERYTHING = {}
const AHEAD_MS = 120_000
const BEHIND_MS = 3_600_000

/** What was here before is told apart from what arrives now: as it is stored, whatever its sender's clock says, and by the list where listening is refused. */
function Arrival() {
  const newest = useQuery(ask.newest)
  const told = useRef<TailSpan>(undefined)
  const { rows } = useTail(EVERYTHING, told.current !== undefined)
  told.current ??= rows.at(-1)
  const before = useRef<string | null>(undefined)
  const now = newest.data?.items[0]
  if (newest.data && before.current === undefined) before.current = now?.trace_id ?? null
  const listed = now && before.current !== undefined && now.trace_id !== before.current ? now : undefined
  const arrived = told.current ?? listed
  return (
    <Section title="4. Wait for the first trace">
      {arrived ? (
        <>
          <p className="notice good" role="status">Received: <TraceLink id={arrived.trace_id}>{titled(arrived.name)}</TraceLink>, <Time at={arrived.start} />.</p>
          {isOdd(arrived.start) && <p className="notice unsure">According to the sender’s clock it started <Time at={arrived.start} />. Lists, totals and monitors show it at that time. If the time is wrong, correct that clock.</p>}
        </>
      ) : (
        <div className="stack" style={{ gap: '0.3rem' }}>
          <Waiting>Waiting for {newest.data === undefined ? 'a' : now ? 'the next' : 'the first'} trace…</Waiting>
          {now && <span className="quiet small">The newest so far started <Time at={now.start} />. <Link to="/traces">All traces</Link></span>}
        </div>
      )}
    </Section>
  )
}

/** A clock that is ahead, or far behind; what began within the hour may have taken that long. */
function isOdd(start: string): boolean {
  const ahead = Date.parse(start) - serverNow()
  return ahead > AHEAD_MS || ahead < -BEHIND_MS
}
