import { Autocomplete, Button, Modal, Radio } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Score } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { score as figure, titled, words } from '@/lib/format'
import { type Judged, type Verdict, lastName, newScore, ofSubject } from '@/lib/scoring'
import { LimitedInput, LimitedTextarea } from '@/parts/limited'
import { NumberBox } from '@/parts/number-field'
import { ReasonedButton } from '@/parts/reasoned'
import { ProblemNote } from '@/parts/states'
import { useAccess } from '@/shell/access'

interface ScoreFormProps {
  subject: Judged
  /** What the reader sees of it: the name of a trace, a span or a session. */
  called: string
  /** What stands already, of it and of what belongs to it. */
  scores: Score[]
  onClose: () => void
}

const VERDICTS: { value: Verdict; label: string }[] = [
  { value: 'yes', label: 'Yes, 1' },
  { value: 'no', label: 'No, 0' },
  { value: 'number', label: 'A number' },
  { value: 'label', label: 'A label' },
  { value: 'comment', label: 'Only a comment' },
]

/** A person's judgement, beside those of checks and judge models: panels hold one against the other by their name. */
export default function ScoreForm({ subject, called, scores, onClose }: ScoreFormProps) {
  useReturnedFocus()
  const access = useAccess()
  const client = useQueryClient()
  const known = useQuery(ask.facets('score')).data?.items.map((one) => one.value) ?? []
  const [name, setName] = useState(lastName.get)
  const [verdict, setVerdict] = useState<Verdict | null>(null)
  const [number, setNumber] = useState<number | string>('')
  const [label, setLabel] = useState('')
  const [reason, setReason] = useState('')
  const made = newScore(subject, { name, verdict, number, label, reason })
  const give = useMutation({
    mutationFn: () => post('/scores', made),
    onSuccess: async () => {
      lastName.set(name.trim())
      await Promise.all(['traces', 'sessions', 'facets'].map((key) => client.invalidateQueries({ queryKey: [key] })))
      notifications.show({ message: `${words(name.trim())} is stored under your name.`, autoClose: 6000 })
      onClose()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (made) give.mutate()
  }
  const others = ofSubject(scores, subject).filter((one) => one.name === name.trim())
  return (
    <Modal opened onClose={onClose} title={<strong>Score: {titled(called)}</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form className="stack" onSubmit={submit}>
        <Autocomplete label="What is judged" description="An existing name or a new one, such as correct, helpful or groundedness. Using the name of a check or judge model measures how often it is right." required maxLength={200} data={[...new Set([...ofSubject(scores, subject).map((one) => one.name), ...known])]} value={name} onChange={setName} data-autofocus={name === '' || undefined} />
        {others.length > 0 && <p className="quiet small">{others.slice(-3).map(told).join(' · ')}. Yours is added beside it.</p>}
        <Radio.Group label="Verdict" value={verdict ?? ''} onChange={(next) => setVerdict(next as Verdict)}>
          <div className="line" style={{ flexWrap: 'wrap', columnGap: '1.2rem', marginTop: '0.35rem' }}>{VERDICTS.map((one, at) => <Radio key={one.value} {...one} data-autofocus={(name !== '' && at === 0) || undefined} />)}</div>
        </Radio.Group>
        {verdict === 'number' && <NumberBox label="Number" required value={number} onChange={setNumber} />}
        {verdict === 'label' && <LimitedInput label="Label" most={200} required value={label} onChange={(event) => setLabel(event.currentTarget.value)} />}
        <LimitedTextarea label="Comment" most={20_000} description={verdict === 'comment' ? undefined : 'Optional: why.'} required={verdict === 'comment'} autosize minRows={2} maxRows={10} value={reason} onChange={(event) => setReason(event.currentTarget.value)} />
        {give.isError && <ProblemNote error={give.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <ReasonedButton type="submit" loading={give.isPending} disabled={!made} why={access.why}>Save score</ReasonedButton>
        </div>
      </form>
    </Modal>
  )
}

function told(one: Score): string {
  const said = one.error ? 'failed' : [one.value === null ? null : figure(one.value), one.label].filter(Boolean).join(' ')
  return [one.author ?? one.source, said || 'commented'].join(': ')
}
