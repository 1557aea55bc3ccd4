import { UNKNOWN } from './format'

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** Bytes in thousands: `812 B`, `1.2 MB`. */
export function bytes(n: number | null | undefined): string {
  if (n === null || n === undefined) return UNKNOWN
  let [value, unit] = [n, 0]
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 ? value : Number(value.toFixed(1))} ${UNITS[unit]}`
}
