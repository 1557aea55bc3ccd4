import { useEffect, useState } from 'react'

/** For a dialog that is taken away as it closes, so that it cannot give the focus back by itself. */
export function useReturnedFocus() {
  const [before] = useState(() => document.activeElement)
  useEffect(() => () => { if (before instanceof HTMLElement) before.focus() }, [before])
}
