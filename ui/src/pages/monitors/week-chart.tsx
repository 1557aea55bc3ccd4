import { useCallback, useMemo } from 'react'
import type { Definition, Rehearsal } from '@/api/monitors'
import { standsAlone } from '@/lib/drawn'
import { binName, onAxis } from '@/lib/panels'
import { inUnit } from '@/lib/watch'
import { weekOf, type Week } from '@/lib/watch-course'
import { EChart, frame, type Ink, INKS } from '@/parts/echart'

/** What a monitor saw at each look of its past week, and the line it rings at. */
export default function WeekChart({ rehearsal, definition }: { rehearsal: Rehearsal; definition: Pick<Definition, 'rule'> }) {
  const week = useMemo(() => weekOf(rehearsal, definition), [rehearsal, definition])
  const option = useCallback((ink: Ink) => weekOption(ink, week), [week])
  const weak = week.lines.some((line) => line.weak.some((value) => value !== null))
  const names = [...week.lines.map((line) => line.name), ...week.limits.map((limit) => limit.name)]
  if (week.lines.length === 0) return null
  return (
    <figure className="stack" style={{ gap: '0.4rem' }}>
      <EChart option={option} label={`The past 7 days: ${names.join(', ')}`} />
      <figcaption className="legend">
        {week.lines.length > 1 && week.lines.map((line, i) => <span key={line.name}><span className="swatch" style={{ color: `var(--${INKS[i % INKS.length]!})` }} />{line.name}</span>)}
        {week.limits.map((limit) => <span key={limit.name}><span className="swatch dash" style={{ color: limit.bad ? 'var(--bad)' : 'var(--ink-3)' }} />{limit.name}{isFlat(limit.values) && ` ${inUnit(limit.values[0]!, week.unit)}`}</span>)}
        <span className="quiet">checked every {binName(week.apart_s)}, UTC{weak && '; dotted: too little data'}</span>
      </figcaption>
    </figure>
  )
}

const isFlat = (values: (number | null)[]) => values.length > 0 && values.every((value) => value !== null && value === values[0])

function weekOption(ink: Ink, week: Week) {
  const { grid, tooltip, xAxis, yAxis } = frame(ink, (value) => onAxis(value, week.unit))
  const told = (points: { dataIndex: number }[]) => {
    const at = points[0]?.dataIndex ?? 0
    const lines = week.lines.filter((line) => line.told[at] !== null).map((line) => `${line.name.slice(0, 44)}  ${line.told[at]}`)
    const limits = week.limits.filter((limit) => limit.values[at] !== null).map((limit) => `${limit.name}  ${inUnit(limit.values[at]!, week.unit)}`)
    return [`${week.labels[at]} UTC`, ...(lines.length ? lines : ['nothing']), ...limits].join('\n')
  }
  return {
    grid,
    tooltip: { ...tooltip, formatter: told },
    yAxis: { ...yAxis, min: (value: { min: number }) => Math.min(0, value.min) },
    xAxis: { ...xAxis(week.labels, week.ticks), boundaryGap: false },
    series: [...week.limits.map((limit) => limitLine(ink, limit)), ...week.lines.flatMap((line, i) => seenLines(ink, line, ink(INKS[i % INKS.length]!)))],
  }
}

function limitLine(ink: Ink, { values, bad }: Week['limits'][number]) {
  return { type: 'line', silent: true, symbol: 'none', data: values, lineStyle: { color: ink(bad ? 'bad' : 'ink-3'), width: 1.25, type: 'dashed' } }
}

function seenLines(ink: Ink, line: Week['lines'][number], colour: string) {
  const weak = { type: 'line', silent: true, showAllSymbol: true, data: pointed(line.weak), lineStyle: { color: colour, width: 1, type: 'dotted', opacity: 0.6 }, itemStyle: { color: colour, opacity: 0.6 } }
  return [weak, seenLine(ink, line, colour)]
}

/** Looks that rang are dots. */
function seenLine(ink: Ink, { values, rang }: Week['lines'][number], colour: string) {
  const alarm = { symbol: 'circle', symbolSize: 6, itemStyle: { color: ink('bad') } }
  return {
    type: 'line',
    showAllSymbol: true,
    data: pointed(values).map((point, at) => (rang[at] ? { ...point, ...alarm } : point)),
    lineStyle: { color: colour, width: 1.75 },
    itemStyle: { color: colour },
  }
}

/** What stands between two gaps is a dot: no line leads to it. */
function pointed(values: (number | null)[]) {
  return values.map((value, at) => ({ value, symbol: standsAlone(values, at) ? 'circle' : 'none', symbolSize: 3 }))
}
