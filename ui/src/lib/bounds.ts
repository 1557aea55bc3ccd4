/** Numbers that a field takes. */
export interface Bounds {
  min?: number
  max?: number
  /** Whole numbers alone. */
  whole?: boolean
  /** How many digits may stand behind the point. */
  decimals?: number
}

const written = (value: number) => value.toLocaleString('en-GB', { maximumFractionDigits: 12 })

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i
const GROUPED = /^[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?$/
const COMMA = /^[+-]?\d*,\d+$/
const BEGUN = /^[+-]?(\d*[.,]?\d*)?(\de[+-]?)?$/i

/** What somebody wrote, as a number: also `1e3`, `1,000,000` and `0,05`. null: nothing; NaN: no number, or one that can be read two ways. */
export function read(text: string, { whole }: Pick<Bounds, 'whole'> = {}): number | null {
  const typed = text.trim()
  if (typed === '') return null
  if (NUMBER.test(typed)) return Number(typed)
  const clear = whole || typed.includes('.') || typed.indexOf(',') !== typed.lastIndexOf(',')
  if (GROUPED.test(typed)) return clear ? Number(typed.replaceAll(',', '')) : Number.NaN
  return COMMA.test(typed) ? Number(typed.replace(',', '.')) : Number.NaN
}

/** The beginning of a number, such as `-` or `1e`: whoever types it is not told that it is none. */
export const begun = (text: string) => BEGUN.test(text.trim())

/** Digits behind the point of a number as it is written. */
function digits(value: number): number {
  const [figures = '', power = '0'] = String(value).split('e')
  return Math.max(0, (figures.split('.')[1] ?? '').length - Number(power))
}

/** Why a text is no number, with what to write. */
function unreadable(text: string): string {
  if (!GROUPED.test(text)) return `Not a number: ${text}. Write it like 1000, 0.05 or 1e6.`
  return `${text} is ambiguous. Write ${text.replace(',', '')} or ${text.replace(',', '.')}.`
}

/** What is allowed, where what stands in the field is not: nothing is made of it that nobody typed. */
export function refusal(typed: number | string | undefined, { min, max, whole, decimals }: Bounds): string | null {
  const value = typeof typed === 'string' ? read(typed, { whole }) : (typed ?? null)
  if (value === null) return null
  if (Number.isNaN(value)) return unreadable(`${typed}`.trim())
  const most = max ?? Number.MAX_SAFE_INTEGER
  if ((min === undefined || value >= min) && value <= most && (!whole || Number.isInteger(value))) {
    return decimals !== undefined && digits(value) > decimals ? `Allowed: ${decimals} decimal places.` : null
  }
  const range = min === undefined ? `up to ${written(most)}` : max === undefined && value <= most ? `${written(min)} or more` : `${written(min)} to ${written(most)}`
  return `Allowed: ${whole ? 'whole numbers, ' : ''}${range}.`
}

/** A step up or down, no further than what is allowed. */
export function stepped(value: number | null, by: number, { min = -Number.MAX_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER }: Bounds): number {
  if (value === null || Number.isNaN(value)) return Math.min(max, Math.max(min, 0))
  return Math.min(max, Math.max(min, Number((value + by).toPrecision(12))))
}
