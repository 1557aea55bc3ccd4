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
        <strong>Nothing leaves this server yet.</strong> It was restored from {held.backup ?? 'a backup'}{held.made_at && <>, made <Time at={held.made_at} /></>}: messages, forwards, scheduled exports and runs wait, as the server that was backed up may still send the same.
        {!access.admin && <> An admin of the first project lets them leave, here or by <code>assay outgoing start</code>.</>}
      </p>
      {access.admin && <Button size="compact-sm" onClick={() => open(true)}>Let them leave…</Button>}
      <ReasonDialog opened={opened} onClose={() => open(false)} title="Let messages, forwards and exports leave" action="Let them leave" withoutReason done="From now on they leave." send={() => post('/outgoing/start')}>
        <p className="second prose">Stop the server that was backed up first, or both tell, forward and export the same. {waiting.data && `${plural(waiting.data.messages, 'message')} ${waiting.data.messages === 1 ? 'waits' : 'wait'} here; some may have been sent before. `}Forwards go on from where they were when the backup was made. The audit log says who did it.</p>
      </ReasonDialog>
    </div>
  )
}
