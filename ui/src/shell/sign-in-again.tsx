import { Button, Modal, PasswordInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useRef, useState } from 'react'
import { get, post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Info } from '@/api/types'
import { UNHEARD } from '@/lib/focus'
import { lost, useLost } from '@/lib/lost'
import { ProblemNote } from '@/parts/states'

/** Over the page on which a session ended: signing in again goes on where one was, with everything typed. */
export function SignInAgain() {
  const shown = useLost()
  return (
    <Modal opened={shown} onClose={() => lost.set(false)} zIndex={400} closeOnEscape={false} closeOnClickOutside={false} title={<strong>Your session has ended</strong>} closeButtonProps={{ 'aria-label': 'Close', ...UNHEARD }}>
      {shown && <Again />}
    </Modal>
  )
}

function Again() {
  const [key, setKey] = useState('')
  const field = useRef<HTMLInputElement>(null)
  const client = useQueryClient()
  const session = useMutation({
    mutationFn: async () => {
      await post('/session', { token: key.trim() })
      return get<Info>('/info')
    },
    onSuccess: async (now) => {
      const before = client.getQueryData<Info>(ask.info.queryKey)
      lost.set(false)
      if (before?.project !== now.project) return client.resetQueries() // nothing of one project is shown to another's people
      client.setQueryData(ask.info.queryKey, now)
      await client.invalidateQueries()
    },
    onError: () => field.current?.focus(),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    session.mutate()
  }
  return (
    <form className="stack" onSubmit={submit}>
      <p>Sign in again to continue where you left off. Nothing you typed is lost.</p>
      {session.isError && <ProblemNote error={session.error} />}
      <PasswordInput ref={field} label="Key" description="The same as before, or open a link from assay login in another tab." value={key} onChange={(event) => setKey(event.currentTarget.value)} autoComplete="off" required data-autofocus {...UNHEARD} />
      <div className="line" style={{ justifyContent: 'flex-end' }}><Button type="submit" {...UNHEARD} loading={session.isPending} disabled={!key.trim()}>Sign in</Button></div>
    </form>
  )
}
