/** Numbers that a field takes. */
export interface Bounds {
  min?: number
  max?: number
  /** Whole numbers alone. */
  whole?: boolean
}

const written = (value: number) => value.toLocaleString('en-GB', { maximumFractionDigits: 12 })

/** What is allowed, where what stands in the field is not: nothing is made of it that nobody typed. */
export function refusal(typed: number | string | bigint | undefined, { min, max, whole }: Bounds): string | null {
  const value = typed === undefined || typed === '' ? Number.NaN : Number(typed)
  if (Number.isNaN(value)) return null // nothing, or on the way to a number
  const most = max ?? Number.MAX_SAFE_INTEGER
  if ((min === undefined || value >= min) && value <= most && (!whole || Number.isInteger(value))) return null
  const range = min === undefined ? `up to ${written(most)}` : max === undefined && value <= most ? `${written(min)} or more` : `${written(min)} to ${written(most)}`
  return `Allowed: ${whole ? 'whole numbers, ' : ''}${range}.`
}
