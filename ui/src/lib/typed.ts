import { useEffect, useRef, useState } from 'react'

/**
 * What is typed into a field that stands in the address: each key is there at once, and the address follows. Where that
 * changes by itself (a link, going back), so does the field; what comes back of an earlier key is no such change.
 */
export function useTyped(asked: string, ask: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(asked)
  const sent = useRef<string[]>([])
  useEffect(() => {
    const echo = sent.current.indexOf(asked)
    sent.current = sent.current.slice(echo + 1)
    if (echo < 0) setTyped(asked)
  }, [asked])
  const type = (text: string) => {
    sent.current.push(text)
    setTyped(text)
    ask(text)
  }
  return [typed, type]
}
