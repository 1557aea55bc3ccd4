import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { get, post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Outgoing } from '@/api/types'
import { plural } from '@/lib/format'
import { ReasonDialog } from '@/parts/dialog'
import { Time } from '@/parts/values'
import { useAccess } from './access'

/** After a restore: what does not happen until somebody says so, and the button that says it. On every page. */
export function Held() {
  const { data: info } = useQuery(ask.info)
  const access = useAccess()
  const [opened, open] = useState(false)
  const waiting = useQuery({ queryKey: ['outgoing'], queryFn: () => get<Outgoing>('/outgoing'), enabled: opened })
  const held = info?.held
  if (!held) return null
  return (
    <div className="notice unsure held" role="region" aria-label="Restored from a backup">
      <p className="prose">
        <strong>This server does not send anything yet.</strong> It was restored from {held.backup ?? 'a backup'}{held.made_at && <>, made <Time at={held.made_at} /></>}. Messages, forwards, scheduled exports and runs are on hold, because the original server may still be sending the same.
        {!access.admin && <> An admin of the first project can release them, here or with <code>assay outgoing start</code>.</>}
      </p>
      {access.admin && <Button size="compact-sm" onClick={() => open(true)}>Release them…</Button>}
      <ReasonDialog opened={opened} onClose={() => open(false)} title="Release messages, forwards and exports" action="Release" withoutReason done="They are released." send={() => post('/outgoing/start')}>
        <p className="second prose">Stop the original server first, or both will notify, forward and export the same data. {waiting.data && `${plural(waiting.data.messages, 'message')} ${waiting.data.messages === 1 ? 'waits' : 'wait'} here; some may have been sent before. `}Forwards continue from where they were when the backup was created. The audit log records who did this.</p>
      </ReasonDialog>
    </div>
  )
}
