import { useEffect, useState } from 'react'

/** For a dialog that is taken away as it closes, so that it cannot give the focus back by itself. */
export function useReturnedFocus() {
  const [before] = useState(() => document.activeElement)
  useEffect(() => () => { if (before instanceof HTMLElement) before.focus() }, [before])
}

/** On what has the focus in a dialog over another: Escape is not heard by the dialog below, which would be gone with what was typed in it. */
export const UNHEARD = { 'data-mantine-stop-propagation': 'true' }
