import { useEffect, useRef } from 'react'

export interface Binding {
  /** A key, or two after each other: `j`, `/`, `g t`. */
  keys: string
  does: string
  run: () => void
}

const registered = new Set<Binding[]>()
const SWITCH = 'assay-single-keys'

/** Single-key shortcuts can be turned off (WCAG 2.1.4); Ctrl-K always works. */
export const singleKeys = {
  on: () => localStorage.getItem(SWITCH) !== 'off',
  set: (on: boolean) => localStorage.setItem(SWITCH, on ? 'on' : 'off'),
}

export const bindings = (): Binding[] => [...registered].flat()

/** Listens while the component is shown. Keys typed into fields, with modifiers or behind a dialog are left alone. */
export function useKeys(list: Binding[]): void {
  const current = useRef(list)
  current.current = list
  useEffect(() => {
    const own = current.current
    registered.add(own)
    let before = ''
    const listen = (event: KeyboardEvent) => {
      if (!singleKeys.on() || event.ctrlKey || event.metaKey || event.altKey || isBusy(event)) return
      const sequence = before ? `${before} ${event.key}` : event.key
      const match = current.current.find((one) => one.keys === sequence) ?? current.current.find((one) => one.keys === event.key)
      before = current.current.some((one) => one.keys.startsWith(`${event.key} `)) && !before ? event.key : ''
      if (!match) return
      event.preventDefault()
      match.run()
    }
    window.addEventListener('keydown', listen)
    return () => {
      registered.delete(own)
      window.removeEventListener('keydown', listen)
    }
  }, [])
}

function isBusy(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null
  const typing = target?.closest('input, textarea, select, [contenteditable="true"]')
  const checkbox = target instanceof HTMLInputElement && target.type === 'checkbox'
  return (typing && !checkbox) || document.querySelector('[role="dialog"]') !== null
}
