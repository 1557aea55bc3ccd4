/**
 * Whoever works without a mouse stays where they were. A button that waits is disabled and one that did its work is often
 * gone; the browser then puts the focus nowhere, and a screen reader is at the top of the page again.
 */
/** What Tab leads to. Not a tab beside the one that is open: that opens as soon as it has the focus. */
const REACHABLE = ':is(a[href], button:not(:disabled), input:not(:disabled), textarea:not(:disabled), select:not(:disabled), [tabindex]):not([tabindex="-1"], [role=tab][aria-selected=false])'
const WAITING = ':disabled[data-loading]'
const LAYER = '[role=dialog], [role=menu], [role=listbox]'

type Focusable = HTMLElement | SVGElement
/** An ancestor of what had the focus, and which of its children led there. */
interface Step {
  parent: Element
  index: number
}

/** Starts keeping; the function it gives ends it. */
export function keepFocus(main: () => HTMLElement | null): () => void {
  let last: Focusable | null = null
  let way: Step[] = []
  let waits = false // it was disabled while it had the focus
  let opener: Focusable | null = null // what had the focus before a dialog or menu took it

  const came = ({ target }: FocusEvent) => {
    if (!isFocusable(target)) return
    const entered = target.closest(LAYER) !== null && last?.closest(LAYER) == null
    if (entered && last?.isConnected) opener = last
    last = target
    waits = false
    way = wayTo(target)
  }
  // Left on purpose, by a click beside it or a key that leaves it: then nothing is kept. What is taken away or moved is told
  // to `look` before this asks.
  const left = ({ target, relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null) return
    setTimeout(() => {
      const nowhere = document.activeElement === null || document.activeElement === document.body
      if (nowhere && target === last && last?.isConnected && !last.matches(':disabled') && document.hasFocus()) last = null
    })
  }
  const look = (changes: MutationRecord[]) => {
    if (last === null || (document.activeElement !== null && document.activeElement !== document.body)) return
    if (last.isConnected && last.matches(WAITING)) {
      waits = true // until it can be pressed again
      return
    }
    const moved = changes.some(({ removedNodes }) => [...removedNodes].some((node) => node.contains(last)))
    const usable = last.isConnected && !last.matches(':disabled')
    if (usable && !moved && !waits) return
    if (last.isConnected) way = wayTo(last)
    const inLayer = way.some(({ parent }) => parent.matches(LAYER))
    const next = usable ? last : !last.isConnected && inLayer && opener?.isConnected ? opener : nearest(way, main())
    next?.focus({ preventScroll: true })
  }
  const watch = new MutationObserver(look)
  document.addEventListener('focusin', came)
  document.addEventListener('focusout', left)
  watch.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled', 'data-loading'] })
  return () => {
    document.removeEventListener('focusin', came)
    document.removeEventListener('focusout', left)
    watch.disconnect()
  }
}

const isFocusable = (target: EventTarget | null): target is Focusable => (target instanceof HTMLElement || target instanceof SVGElement) && target !== document.body

function wayTo(element: Element): Step[] {
  const way: Step[] = []
  for (let child = element, parent = child.parentElement; parent; child = parent, parent = parent.parentElement) {
    way.push({ parent, index: Array.prototype.indexOf.call(parent.children, child) })
  }
  return way
}

/** What stands where it stood, or just before that; the page as a whole where nothing around it is left. */
function nearest(way: Step[], main: HTMLElement | null): Focusable | null {
  for (const { parent, index } of way) {
    if (parent === main || parent === document.body) break
    if (!parent.isConnected) continue
    const children = [...parent.children]
    for (const child of [...children.slice(index), ...children.slice(0, index).reverse()]) {
      const found = child.matches(REACHABLE) ? child : child.querySelector(REACHABLE)
      if (found) return found as Focusable
    }
  }
  return main
}
