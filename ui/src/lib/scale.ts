/** Where on a line from 0 to 100 % a value stands, for the small drawings of intervals. */

export interface Scale {
  low: number
  high: number
  at: (value: number) => number
}

/** A scale that holds every value with a little air; `must` are lines that may never fall outside. */
export function scaleOf(values: (number | null | undefined)[], must: number[] = []): Scale {
  const all = [...values, ...must].filter((value): value is number => typeof value === 'number' && Number.isFinite(value))
  const least = all.length ? Math.min(...all) : 0
  const most = all.length ? Math.max(...all) : 1
  const air = (most - least || Math.abs(most) || 1) * 0.12
  return fixedScale(least - air, most + air)
}

export function fixedScale(low: number, high: number): Scale {
  const width = high - low || 1
  return { low, high, at: (value) => Math.min(100, Math.max(0, ((value - low) / width) * 100)) }
}

/** Scores that are shares get the scale 0 to 1; others what they need. */
export function scoreScale(values: (number | null | undefined)[]): Scale {
  const known = values.filter((value): value is number => typeof value === 'number')
  return known.every((value) => value >= 0 && value <= 1) ? fixedScale(0, 1) : scaleOf(known, [0])
}
