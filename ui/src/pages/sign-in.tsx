import { Button, PasswordInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/queries'
import { useAddress } from '@/lib/search'
import { ProblemNote, Waiting } from '@/parts/states'

/** The link that `assay up` prints lands here with a one-time token; a key can be pasted instead. */
export function SignIn() {
  const [search] = useAddress()
  const info = useQuery(ask.info)
  const [key, setKey] = useState('')
  const client = useQueryClient()
  const navigate = useNavigate()
  const session = useMutation({
    mutationFn: (token: string) => post('/session', { token }),
    onSuccess: async () => {
      await client.resetQueries()
      void navigate({ href: safe(search.next), replace: true })
    },
  })
  const started = useRef(false)
  useEffect(() => {
    document.title = 'Sign in · Assay'
    if (search.token && !started.current) {
      started.current = true
      session.mutate(search.token)
    }
  }, [search.token, session])
  const submit = (event: FormEvent) => {
    event.preventDefault()
    session.mutate(key.trim())
  }
  return (
    <main className="sign-in">
      <div>
        <h1>Sign in to Assay</h1>
        {search.token && !session.isError ? (
          <Waiting>Signing in with your link…</Waiting>
        ) : (
          <>
            {session.isError && <ProblemNote error={session.error} />}
            <form onSubmit={submit} className="stack">
              <PasswordInput
                label="Key"
                description="An admin, editor or viewer key (sk_…). Your browser keeps a session, not the key."
                value={key}
                onChange={(event) => setKey(event.currentTarget.value)}
                autoComplete="off"
                required
                autoFocus
              />
              <Button type="submit" size="sm" loading={session.isPending} disabled={!key.trim()}>Sign in</Button>
            </form>
            <p className="quiet small">No key? <code>assay up</code> prints a sign-in link when it starts, and <code>assay login</code> creates a new one. A link works once.</p>
          </>
        )}
        {info.data && <p className="quiet small">Version {info.data.version}</p>}
      </div>
    </main>
  )
}

/** Only a path of this site: a link must not send anyone elsewhere after signing in. */
function safe(next: string | undefined): string {
  return next?.startsWith('/') && !next.startsWith('//') && !next.startsWith('/\\') ? next : '/traces'
}
