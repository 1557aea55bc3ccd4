import type { HistogramAnswer, Mark } from '@/api/dashboards'
import { compact, count } from '@/lib/format'
import { bandsTell, barsOf, type Drawn, type Line, parted, reachOf, standsAlone } from '@/lib/drawn'
import { inUnit, onAxis, seriesName } from '@/lib/panels'
import { frame, type Ink, INKS } from '@/parts/echart'

interface Look {
  bars: boolean
  stacked: boolean
  marks: Mark[]
}

const MARK_INKS = { deployment: 'accent', canary: 'unsure', incident: 'bad' }
const LONGEST = 44

/** Lines with their intervals as bands, or bars; what happened stands on the axis. */
export function courseOption(ink: Ink, drawn: Drawn, look: Look) {
  const unit = drawn.lines[0]?.unit ?? ''
  const { grid, tooltip, xAxis, yAxis } = frame(ink, (value) => onAxis(value, unit))
  const reach = banded(drawn) && !look.bars ? reachOf(drawn.lines) : Infinity
  const top = (value: { max: number }) => (value.max > reach ? reach : unit === 'share' && value.max > 0.9 ? 1 : null)
  const bottom = (value: { min: number }) => (value.min < -reach ? -reach : Math.min(0, value.min))
  return {
    grid: { ...grid, top: look.marks.length ? 24 : 14 },
    tooltip: { ...tooltip, axisPointer: { type: look.bars ? 'shadow' : 'line' }, formatter: (points: { dataIndex: number }[]) => told(drawn, points[0]?.dataIndex ?? 0) },
    yAxis: { ...yAxis, min: bottom, max: top },
    xAxis: { ...xAxis(drawn.labels, drawn.ticks), boundaryGap: look.bars },
    series: drawn.lines.flatMap((line, at) => oneLine(ink, drawn, line, at, look)),
  }
}

function oneLine(ink: Ink, drawn: Drawn, line: Line, at: number, look: Look): object[] {
  const place = line.dashed ? drawn.lines.findIndex((one) => `${one.name}, before` === line.name) : at
  const colour = ink(INKS[place % INKS.length]!)
  const marks = at === 0 ? marksOf(ink, drawn, look.marks) : {}
  if (look.bars && !line.dashed) return [{ type: 'bar', name: line.name, stack: look.stacked ? 'all' : undefined, data: barsOf(line.values, drawn.whole), itemStyle: { color: colour }, barMaxWidth: 40, ...marks }]
  const few = line.values.filter((value) => value !== null).length < 20
  const { whole, ends } = line.dashed ? { whole: line.values, ends: [] } : parted(line.values, drawn.whole)
  const drawnLine = {
    type: 'line',
    name: line.name,
    data: pointed(whole, few),
    showAllSymbol: true, // otherwise those of unnamed bins are left out
    symbolSize: 5,
    lineStyle: { color: colour, width: line.dashed ? 1.25 : 1.75, type: line.dashed ? 'dashed' : 'solid', opacity: line.dashed ? 0.7 : 1 },
    itemStyle: { color: colour },
    ...marks,
  }
  const drawnEnds = { ...drawnLine, data: pointed(ends, few), lineStyle: { ...drawnLine.lineStyle, type: [3, 3] }, markLine: undefined }
  return [...(banded(drawn) ? band(line, at, colour) : []), drawnLine, ...(ends.some((value) => value !== null) ? [drawnEnds] : [])]
}

/** Few points are dots, of many only those that no line leads to. */
function pointed(values: Line['values'], few: boolean): (number | null | { value: number | null; symbol: string })[] {
  return values.map((value, at) => (few || standsAlone(values, at) ? value : { value, symbol: 'none' }))
}

/** Bands that hide each other are not drawn: their intervals are told when one points, and in the table. */
export const banded = (drawn: Drawn) => bandsTell(drawn.lines)

export const hasIntervals = (drawn: Drawn) => drawn.lines.some((line) => line.lower.some((value) => value !== null))

/** An interval as a band: an unseen line at its lower end, and its width stacked upon it. */
function band(line: Line, at: number, colour: string): object[] {
  if (line.lower.every((value) => value === null)) return []
  const still = { type: 'line', silent: true, showSymbol: false, stack: `band ${at}`, stackStrategy: 'all', lineStyle: { opacity: 0 }, tooltip: { show: false } }
  const width = line.upper.map((value, i) => (value === null || line.lower[i] === null ? null : value - line.lower[i]!))
  return [
    { ...still, data: line.lower },
    { ...still, data: width, areaStyle: { color: colour, opacity: 0.13 } },
  ]
}

function marksOf(ink: Ink, drawn: Drawn, marks: Mark[]): object {
  if (!drawn.starts || marks.length === 0) return {}
  const data = marks.flatMap((mark) => {
    const at = drawn.starts!.findLastIndex((start) => Date.parse(start) <= Date.parse(mark.at))
    if (at < 0) return []
    const colour = ink(MARK_INKS[mark.kind])
    const label = { formatter: mark.kind === 'deployment' ? '▲' : mark.kind === 'canary' ? '◆' : '!', color: colour, position: 'end' }
    return [{ name: mark.title, xAxis: at, lineStyle: { color: colour, type: 'dotted' }, label }]
  })
  const tooltip = { formatter: (mark: { name: string }) => mark.name.slice(0, 2 * LONGEST) }
  return { markLine: { symbol: 'none', silent: false, animation: false, data, tooltip } }
}

function told(drawn: Drawn, at: number): string {
  const lines = drawn.lines.filter((line) => line.values[at] !== null && line.values[at] !== undefined)
  const rows = lines.map((line) => {
    const interval = line.lower[at] === null || line.lower[at] === undefined ? '' : ` (${inUnit(line.lower[at], line.unit)} to ${inUnit(line.upper[at], line.unit)})`
    const n = line.n[at]
    return `${line.name.slice(0, LONGEST)}  ${inUnit(line.values[at], line.unit)}${interval}${n === null || n === undefined ? '' : `  n ${count(n)}`}`
  })
  return [`${drawn.labels[at]}${drawn.starts ? ' UTC' : ''}${drawn.whole[at] === false ? ', incomplete bin' : ''}`, ...(rows.length ? rows : ['nothing'])].join('\n')
}

/** Counts between edges, a bar for each bin and group. */
export function histogramOption(ink: Ink, answer: HistogramAnswer, grouped: boolean) {
  const { grid, tooltip, xAxis, yAxis } = frame(ink, (value) => compact(value))
  const names = answer.edges.slice(1).map((edge, at) => `${inUnit(answer.edges[at], answer.unit)} to ${inUnit(edge, answer.unit)}`)
  const formatter = (points: { dataIndex: number }[]) => {
    const at = points[0]?.dataIndex ?? 0
    return [names[at], ...answer.series.map((one) => `${seriesName(one, grouped, 1).slice(0, LONGEST)}  n ${count(one.counts[at] ?? 0)}`)].join('\n')
  }
  return {
    grid,
    tooltip: { ...tooltip, axisPointer: { type: 'shadow' }, formatter },
    yAxis,
    xAxis: xAxis(answer.edges.slice(0, -1).map((edge) => inUnit(edge, answer.unit))),
    series: answer.series.map((one, i) => ({ type: 'bar', name: seriesName(one, grouped, 1), data: one.counts, itemStyle: { color: ink(INKS[i % INKS.length]!) }, barCategoryGap: '12%', barGap: '0%' })),
  }
}
