import type { CorrectedAnswer, RowsAnswer, SeriesAnswer, TraceWords } from '@/api/dashboards'
import { against, seriesName, tick, ticks } from './panels'

/** A chart before it is drawn: what stands on the axis, and lines with their n and intervals. */
export interface Line {
  name: string
  unit: string
  values: (number | null)[]
  n: (number | null)[]
  lower: (number | null)[]
  upper: (number | null)[]
  dashed: boolean
  /** Of the whole range against the one before, where both are known. */
  change: string | null
  traces: TraceWords
}

export interface Drawn {
  /** Moments where the axis is time; otherwise null. */
  starts: string[] | null
  labels: string[]
  /** What is written below the axis, null at bins that are not named there; null where every label may stand. */
  ticks: (string | null)[] | null
  /** Which bins the range covers whole: the newest is seldom over, and its counts are of a part of it. */
  whole: boolean[]
  lines: Line[]
}

/** One of the answers that have a course, as lines. */
export function drawn(answer: SeriesAnswer | CorrectedAnswer | RowsAnswer, grouped: boolean): Drawn {
  if (answer.type === 'rows') return ofRows(answer)
  const bin = answer.bin_s ?? 3600
  const axis = { starts: answer.starts, labels: answer.starts.map((start) => tick(start, bin)), ticks: ticks(answer.starts, bin), whole: answer.starts.map((start) => isWhole(start, answer.bin_s ?? 0, answer)) }
  if (answer.type === 'corrected_rate') {
    const line = { name: 'corrected rate', unit: 'share', values: answer.values, n: answer.n, lower: answer.lower, upper: answer.upper, dashed: false, change: null, traces: answer.traces }
    return { ...axis, lines: [line] }
  }
  const metrics = new Set(answer.series.map((one) => one.metric)).size
  const lines = answer.series.flatMap((one) => {
    const name = seriesName(one, grouped, metrics)
    const now: Line = { name, unit: one.unit, values: one.values, n: one.n, lower: one.lower, upper: one.upper, dashed: false, change: against(one.total.value, one.before?.value), traces: one.traces }
    const nothing = one.values.map(() => null)
    // The period before is drawn beside one series alone: more lines than that nobody can tell apart.
    const before: Line[] = one.before_values && answer.series.length === 1 ? [{ ...now, name: `${name}, before`, values: one.before_values, n: nothing, lower: nothing, upper: nothing, dashed: true, change: null, traces: null }] : []
    return [now, ...before]
  })
  return { ...axis, lines }
}

const TIMES = /^(TIMESTAMP|DATE)/
const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/

/** The first column is the axis; of the others those that hold numbers are lines. */
function ofRows(answer: RowsAnswer): Drawn {
  const [first, ...others] = answer.columns
  const isTime = TIMES.test(first?.type ?? '')
  const labels = answer.rows.map((row) => (isTime ? tick(String(row[0]), answer.bin_s) : String(row[0] ?? 'unknown')))
  const nothing = answer.rows.map(() => null)
  const lines = others.flatMap((column, i): Line[] =>
    NUMBERS.test(column.type)
      ? [{ name: column.name, unit: '', values: answer.rows.map((row) => (typeof row[i + 1] === 'number' ? (row[i + 1] as number) : null)), n: nothing, lower: nothing, upper: nothing, dashed: false, change: null, traces: null }]
      : [],
  )
  return { starts: null, labels, ticks: null, whole: labels.map(() => true), lines }
}

/** Whether a range covers all of a bin. */
export const isWhole = (start: string, bin_s: number, range: { since: string; until: string }) => Date.parse(start) >= Date.parse(range.since) && Date.parse(start) + bin_s * 1000 <= Date.parse(range.until)

/** The values of whole bins, and those of the others with their neighbours, so that a line leads to them. */
export function parted(values: Line['values'], whole: boolean[]): { whole: Line['values']; ends: Line['values'] } {
  const ends = values.map((value, at) => (whole[at] === false || whole[at - 1] === false || whole[at + 1] === false ? value : null))
  return { whole: values.map((value, at) => (whole[at] === false ? null : value)), ends }
}

/** The bars of bins; those of bins that are not whole are faint. */
export const barsOf = (values: Line['values'], whole: boolean[]) => values.map((value, at) => (whole[at] ? value : { value, itemStyle: { opacity: 0.4 } }))

/** Which bins are not whole, in words; empty where all are. `how` such a bin is drawn. */
export function cutNote(whole: boolean[], how: string, what = 'bin'): string {
  const [first, last] = [whole.at(0) === false, whole.at(-1) === false]
  if (!first && !last) return ''
  const which = whole.length === 1 ? what : `${first && last ? 'first and last' : first ? 'first' : 'last'} ${what}`
  return `${which} incomplete (${how})`
}

/** Whether no line leads to a value: it must be drawn as a dot, or it vanishes. */
export const standsAlone = (values: Line['values'], at: number) => (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null

const REACH = 3 // times the largest value

/** How far from 0 the axis goes at most: bins with two or three values have bands that would press every line flat. */
export function reachOf(lines: Line[]): number {
  const largest = Math.max(...lines.flatMap((line) => line.values.map((value) => Math.abs(value ?? 0))))
  return largest > 0 ? roundedUp(REACH * largest) : Infinity
}

/** Bands that tell something: of one line always, of two where most are no wider than the values are high. */
export function bandsTell(lines: Line[]): boolean {
  const drawn = lines.filter((line) => !line.dashed)
  if (drawn.length > 2) return false
  const widths = drawn.flatMap((line) => line.upper.flatMap((upper, at) => (upper === null || line.lower[at] === null ? [] : [upper - line.lower[at]!]))).sort((a, b) => a - b)
  if (drawn.length < 2 || widths.length === 0) return widths.length > 0
  const values = drawn.flatMap((line) => line.values.filter((value) => value !== null).map(Math.abs))
  return widths[widths.length >> 1]! <= values.reduce((sum, value) => sum + value, 0) / values.length
}

/** To a number that reads well beside the other marks of an axis: 1, 2 or 5 with zeros. */
function roundedUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  return (value <= power ? 1 : value <= 2 * power ? 2 : value <= 5 * power ? 5 : 10) * power
}
