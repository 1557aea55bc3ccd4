import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Problem, type Tagged } from '@/api/client'
import { Person } from './values'

/** Somebody else was quicker: nobody's change is lost unseen, neither theirs nor what was typed here. */

interface OvertakenProps {
  error: unknown
  onShow: () => void
  /** Asked once a change was refused: what somebody deleted meanwhile has nothing to show. */
  isThere: () => Promise<boolean>
  /** Makes the draft into a new one. */
  onAnew: () => void
}

/** Below the note of a change that was refused for it. */
export function Overtaken({ error, onShow, isThere, onAnew }: OvertakenProps) {
  const document = error instanceof Problem ? error.document : null
  const refused = document !== null && (document.status === 404 || document.field === 'If-Match')
  const there = useQuery({ queryKey: ['still there', document], queryFn: isThere, enabled: refused, gcTime: 0 })
  if (!refused || there.isPending) return null
  if (there.data === false) return <div><Button variant="default" onClick={onAnew}>It was deleted meanwhile. Recreate it from my draft</Button></div>
  return document.field === 'If-Match' && <div><Button variant="default" onClick={onShow}>Discard my draft and show the saved version</Button></div>
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
      <span>{by ? <Person actor={by} /> : 'Somebody'} saved other changes meanwhile. Your draft is still here, but cannot be saved over theirs.</span>{' '}
      <Button variant="default" size="compact-xs" onClick={onShow}>Discard my draft and show the saved version</Button>
    </div>
  )
}
