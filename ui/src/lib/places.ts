/** The page that shows what an address of the API answers; what has no page of its own leads to its list. */
export function pageOf(address: string): string {
  const url = new URL(address, 'http://assay')
  const path = url.pathname.replace(/^\/api\/v1/, '')
  const diff = /^\/releases\/([^/]+)\/diff$/.exec(path)
  if (diff) return `/releases/${url.searchParams.get('to')}?against=${diff[1]}`
  const compared = /^\/runs\/([^/]+)\/compare\/([^/]+)$/.exec(path)
  if (compared) return `/runs/compare?a=${compared[1]}&b=${compared[2]}`
  return path + url.search
}
