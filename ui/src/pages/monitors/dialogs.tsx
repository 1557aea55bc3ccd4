import { Select } from '@mantine/core'
import { useState } from 'react'
import { post } from '@/api/client'
import { ReasonDialog } from '@/parts/dialog'

/** For a while nobody is told; incidents open all the same. */
export function Silence({ path, onClose }: { path: string; onClose: () => void }) {
  const [minutes, setMinutes] = useState('120')
  return (
    <ReasonDialog opened onClose={onClose} title="Silence this monitor" action="Silence" done="Notifications pause for a while." send={(reason) => post(`${path}/silence`, { minutes: Number(minutes), reason })}>
      <p>Incidents still open. Messages wait until the silence ends and are not sent if the incident has resolved by then.</p>
      <Select label="For" data={[{ value: '30', label: '30 minutes' }, { value: '120', label: '2 hours' }, { value: '1440', label: '1 day' }, { value: '10080', label: '1 week' }]} value={minutes} allowDeselect={false} onChange={(value) => setMinutes(value!)} />
    </ReasonDialog>
  )
}
