import { useEffect, useRef, useState } from 'react'
import { Echoes } from './echoes'

/**
 * What is typed into a field that stands in the address: each key is there at once, and the address follows. Where that
 * changes by itself (a link, going back), so does the field; what comes back of an earlier key is no such change.
 */
export function useTyped(asked: string, ask: (text: string) => void): [string, (text: string) => void] {
  const [typed, setTyped] = useState(asked)
  const echoes = useRef(new Echoes())
  useEffect(() => {
    if (!echoes.current.has(asked)) setTyped(asked)
  }, [asked])
  const type = (text: string) => {
    echoes.current.tell(text)
    setTyped(text)
    ask(text)
  }
  return [typed, type]
}
