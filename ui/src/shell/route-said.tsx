import { useLocation } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'

const SETTLED_MS = 600 // by then the page has its title

/** Says which page one has come to: for whoever hears the interface, nothing else tells that a link has led anywhere. */
export function RouteSaid() {
  const { pathname } = useLocation()
  const first = useRef(true)
  const [said, say] = useState('')
  useEffect(() => {
    if (first.current) {
      first.current = false // the browser itself says the first one
      return
    }
    const soon = setTimeout(() => say(document.title), SETTLED_MS)
    return () => clearTimeout(soon)
  }, [pathname])
  return <div className="sr" aria-live="polite" data-said="route">{said}</div>
}
