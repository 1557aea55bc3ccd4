import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { Problem, type Tagged } from '@/api/client'
import { Person } from './values'

/** Somebody else was quicker: nobody's change is lost unseen, neither theirs nor what was typed here. */

/** Below the note of a change that was refused for it. */
export function Overtaken({ error, onShow }: { error: unknown; onShow: () => void }) {
  if (!(error instanceof Problem) || error.document.field !== 'If-Match') return null
  return <div><Button variant="default" onClick={onShow}>Show what was saved; my draft is lost</Button></div>
}

interface Draft<T> {
  /** Whether the draft says what this one says. */
  isSame: (saved: T) => boolean
  /** Begins the draft from this one. */
  start: (saved: T) => void
}

/**
 * What a draft was begun from, while the page goes on asking what is saved `now`: a change has to name the revision that
 * its author saw. A draft in which nothing was done follows; another one stays, and `newer` says that it is behind.
 */
export function useBegun<T>(now: Tagged<T>, { isSame, start }: Draft<T>) {
  const [begun, begin] = useState(now)
  const differs = now.revision !== begun.revision
  const follows = differs && (isSame(begun) || isSame(now))
  const take = () => {
    begin(now)
    start(now)
  }
  useEffect(() => {
    if (follows) take()
  })
  return { begun, newer: differs && !follows, take }
}

export function Newer({ by, onShow }: { by: string | null; onShow: () => void }) {
  return (
    <div className="notice unsure" role="status">
      <span>{by ? <Person actor={by} /> : 'Somebody'} saved something else meanwhile. What you typed is still here, and cannot be saved over it.</span>{' '}
      <Button variant="default" size="compact-xs" onClick={onShow}>Show what was saved; my draft is lost</Button>
    </div>
  )
}
