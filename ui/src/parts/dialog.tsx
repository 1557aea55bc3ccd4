import { Button, Modal } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'
import { LimitedTextarea } from './limited'
import { ProblemNote } from './states'

interface ReasonDialogProps {
  opened: boolean
  onClose: () => void
  title: string
  /** What the button says: the thing that will happen. */
  action: string
  danger?: boolean
  /** Sends the request; what it returns is ignored, what it throws is shown with everything typed kept. */
  send: (reason: string) => Promise<unknown>
  done: string
  onDone?: () => void
  disabled?: boolean
  /** For what keeps no reason: it is asked whether, not why. */
  withoutReason?: boolean
  children?: ReactNode
}

/** Danger is calm: what will change, then a reason, then one button. The reason goes to the audit log. */
export function ReasonDialog(props: ReasonDialogProps) {
  const [reason, setReason] = useState('')
  const client = useQueryClient()
  const mutation = useMutation({
    mutationFn: () => props.send(reason.trim()),
    onSuccess: async () => {
      await client.invalidateQueries()
      notifications.show({ message: props.done, autoClose: 6000 })
      setReason('')
      props.onClose()
      props.onDone?.()
    },
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    mutation.mutate()
  }
  return (
    <Modal opened={props.opened} onClose={props.onClose} title={<strong>{props.title}</strong>} size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      <form onSubmit={submit} className="stack">
        {props.children}
        {!props.withoutReason && (
          <LimitedTextarea
            label="Reason"
            most={2000}
            description="Recorded in the audit log and the history under your name."
            required
            autosize
            minRows={2}
            value={reason}
            onChange={(event) => setReason(event.currentTarget.value)}
            onKeyDown={(event) => (event.ctrlKey || event.metaKey) && event.key === 'Enter' && event.currentTarget.form?.querySelector<HTMLButtonElement>('[type=submit]')?.click()}
            data-autofocus
          />
        )}
        {mutation.isError && <ProblemNote error={mutation.error} />}
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={props.onClose}>Cancel</Button>
          <Button type="submit" color={props.danger ? 'red.8' : undefined} loading={mutation.isPending} disabled={(!props.withoutReason && !reason.trim()) || props.disabled}>
            {props.action}
          </Button>
        </div>
      </form>
    </Modal>
  )
}
