import { type RefObject, useEffect, useRef } from 'react'

export interface Binding {
  /** A key, or two after each other: `j`, `/`, `g t`. */
  keys: string
  does: string
  run: () => void
}

const registered = new Set<RefObject<Binding[]>>()
const SWITCH = 'assay-single-keys'

/** Single-key shortcuts can be turned off (WCAG 2.1.4); Ctrl-K always works. */
export const singleKeys = {
  on: () => localStorage.getItem(SWITCH) !== 'off',
  set: (on: boolean) => localStorage.setItem(SWITCH, on ? 'on' : 'off'),
}

export const bindings = (): Binding[] => [...registered].flatMap((one) => one.current)

let before = '' // the key that a sequence began with: for all who listen, or `g s` would also be their `s`

function listen(event: KeyboardEvent): void {
  if (!singleKeys.on() || event.ctrlKey || event.metaKey || event.altKey || event.key === 'Shift' || isBusy(event)) return
  const all = bindings()
  const named = (keys: string) => all.filter((one) => one.keys === keys)
  const sequence = before ? named(`${before} ${event.key}`) : []
  const found = sequence.length > 0 ? sequence : named(event.key)
  before = !before && all.some((one) => one.keys.startsWith(`${event.key} `)) ? event.key : ''
  if (found.length === 0) return
  event.preventDefault()
  for (const one of found) one.run()
}

/** Listens while the component is shown. Keys typed into fields, with modifiers or behind a dialog are left alone. */
export function useKeys(list: Binding[]): void {
  const current = useRef(list)
  current.current = list
  useEffect(() => {
    if (registered.size === 0) window.addEventListener('keydown', listen)
    registered.add(current)
    return () => {
      registered.delete(current)
      if (registered.size === 0) window.removeEventListener('keydown', listen)
    }
  }, [])
}

function isBusy(event: KeyboardEvent): boolean {
  const target = event.target as HTMLElement | null
  const typing = target?.closest('input, textarea, select, [contenteditable="true"]')
  const checkbox = target instanceof HTMLInputElement && target.type === 'checkbox'
  return (typing && !checkbox) || document.querySelector('[role="dialog"]') !== null
}
