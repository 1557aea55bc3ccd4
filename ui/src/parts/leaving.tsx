import { Button, Modal } from '@mantine/core'
import { useWindowEvent } from '@mantine/hooks'
import { type ShouldBlockFn, useBlocker } from '@tanstack/react-router'
import { useRef } from 'react'
import { UNHEARD } from '@/lib/focus'
import type { Search } from '@/lib/search'

interface AskProps {
  opened: boolean
  /** What is half done: `this dashboard`. */
  what: string
  onStay: () => void
  onLeave: () => void
}

/** Asked before a draft is lost. Where the draft is a dialog, this stands before it: who listens first, hears first. */
export function AskToLeave({ opened, what, onStay, onLeave }: AskProps) {
  useWindowEvent('keydown', (event) => {
    if (!opened || event.key !== 'Escape' || event.isComposing) return
    event.stopImmediatePropagation() // a dialog below would take the same key for its own, and ask again
    onStay()
  }, { capture: true })
  return (
    <Modal opened={opened} onClose={onStay} closeOnEscape={false} zIndex={300} title={<strong>Leave without saving?</strong>} closeButtonProps={{ 'aria-label': 'Close', ...UNHEARD }}>
      <div className="stack">
        <p>Your changes to {what} are not saved and will be lost.</p>
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onLeave} {...UNHEARD}>Discard changes</Button>
          <Button data-autofocus onClick={onStay} {...UNHEARD}>Stay</Button>
        </div>
      </div>
    </Modal>
  )
}

/** Whether the next page is the same tab. */
export const sameTab = (next: Place, tab: string) => (next.search as Search).tab === tab

type Place = Parameters<ShouldBlockFn>[0]['next']

/** Holds whoever would leave a draft: to another page, by the browser's buttons, by closing the tab. `letGo` is called where it is saved or thrown away. */
export function useDraft(changed: boolean, what: string, stays: (next: Place) => boolean = () => true) {
  const done = useRef(false)
  const held = () => changed && !done.current
  const blocker = useBlocker({
    shouldBlockFn: ({ current, next }) => held() && !(current.pathname === next.pathname && stays(next)),
    enableBeforeUnload: held,
    withResolver: true,
  })
  const ask = <AskToLeave opened={blocker.status === 'blocked'} what={what} onStay={() => blocker.reset?.()} onLeave={() => blocker.proceed?.()} />
  const letGo = () => {
    done.current = true
  }
  return { ask, letGo }
}
