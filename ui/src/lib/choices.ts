/** What one reader chose for themselves, in this browser. */

const VIEW = 'assay-view-'
const COLUMNS = 'assay-columns-'

/** The saved view a page begins with. */
export const defaultView = {
  of: (page: string) => localStorage.getItem(VIEW + page),
  set: (page: string, name: string | null) => (name === null ? localStorage.removeItem(VIEW + page) : localStorage.setItem(VIEW + page, name)),
}

/** The columns a table has where its address names none. */
export const ownColumns = {
  of: (page: string) => localStorage.getItem(COLUMNS + page) ?? undefined,
  set: (page: string, cols: string | undefined) => (cols === undefined ? localStorage.removeItem(COLUMNS + page) : localStorage.setItem(COLUMNS + page, cols)),
}
