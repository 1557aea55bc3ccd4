import { useCallback } from 'react'
import type { User } from '@/api/people'
import { count, money, plural } from '@/lib/format'
import { tick } from '@/lib/panels'
import { EChart, frame, type Ink } from '@/parts/echart'

/** Traces of each day with traffic, those with errors apart. */
export default function DaysChart({ days }: { days: User['days'] }) {
  const option = useCallback((ink: Ink) => daysOption(ink, days), [days])
  return (
    <figure className="stack">
      <EChart option={option} label={`Traces for each day with traffic, ${days[0]?.day} to ${days.at(-1)?.day}`} />
      <figcaption className="legend">
        <span><span className="swatch" style={{ color: 'var(--accent)', borderTopWidth: 8 }} />traces</span>
        <span><span className="swatch" style={{ color: 'var(--bad)', borderTopWidth: 8 }} />with an error</span>
        <span className="quiet">Days in UTC; days without traffic are left out.</span>
      </figcaption>
    </figure>
  )
}

function daysOption(ink: Ink, days: User['days']) {
  const { grid, tooltip, xAxis, yAxis } = frame(ink, count)
  const formatter = (drawn: { dataIndex: number }[]) => {
    const day = days[drawn[0]!.dataIndex]!
    return `${day.day}\n${plural(day.traces, 'trace')}, ${plural(day.errors, 'error')}\n${money(day.cost.usd)}${day.cost.unknown ? ` + ${count(day.cost.unknown)} unknown` : ''}`
  }
  const bars = { type: 'bar', stack: 'traces', barMaxWidth: 26 }
  const failed = days.map((day) => Math.min(day.errors, day.traces))
  return {
    grid: { ...grid, left: 40 },
    tooltip: { ...tooltip, axisPointer: { type: 'shadow' }, formatter },
    yAxis: { ...yAxis, minInterval: 1 },
    xAxis: xAxis(days.map((day) => tick(`${day.day}T00:00:00Z`, 86_400))),
    series: [
      { ...bars, data: failed, itemStyle: { color: ink('bad') } },
      { ...bars, data: days.map((day, i) => day.traces - failed[i]!), itemStyle: { color: ink('accent') } },
    ],
  }
}
