import { money, UNKNOWN } from './format'

/** A difference in dollars with its sign: `+$31.00`, `−$0.42`. */
export function change(usd: number | null | undefined): string {
  if (usd === null || usd === undefined) return UNKNOWN
  return usd === 0 ? '$0' : `${usd < 0 ? '−' : '+'}${money(Math.abs(usd))}`
}

/** A share as whole percents, and more digits where it is small: `62 %`, `0.4 %`, `< 0.1 %`. */
export function portion(share: number | null | undefined): string {
  if (share === null || share === undefined) return UNKNOWN
  if (share > 0 && share < 0.0005) return '< 0.1 %'
  const text = Number((Math.abs(share) * 100).toFixed(Math.abs(share) < 0.1 ? 1 : 0)).toLocaleString('en-GB')
  return `${share < 0 && text !== '0' ? '−' : ''}${text} %`
}

/** A relative change in words: `12 % more than`, `3 % less than`, `the same as`; null where either is not known. */
export function against(now: number | null | undefined, before: number | null | undefined): string | null {
  if (now === null || now === undefined || !before) return null
  const relative = (now - before) / before
  if (Math.abs(relative) < 0.0005) return 'the same as'
  return `${portion(Math.abs(relative))} ${relative > 0 ? 'more' : 'less'} than`
}
