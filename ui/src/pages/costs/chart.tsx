import { useCallback } from 'react'
import type { Breakdown, Forecast } from '@/api/costs'
import { barsOf, cutNote, isWhole } from '@/lib/drawn'
import { money } from '@/lib/format'
import { onAxis } from '@/lib/panels'
import { type Part, partsOf, startsOf } from '@/lib/spend'
import { EChart, frame, type Ink } from '@/parts/echart'

const INKS = ['k-llm', 'k-tool', 'k-agent', 'k-retriever', 'k-guardrail']

/** What was spent in each hour or day, the dearest groups apart. */
export function SpendChart({ found, bin, name }: { found: Breakdown; bin: 'hour' | 'day'; name: (value: string | null) => string }) {
  const starts = startsOf(found, bin)
  const series = partsOf(found, name).map((part, i) => ({ ...part, ink: part.isRest ? 'base' : INKS[i]! }))
  const whole = starts.map((start) => isWhole(start, bin === 'hour' ? 3600 : 86_400, found))
  const cut = cutNote(whole, 'faint', bin)
  const option = useCallback((ink: Ink) => spendOption(ink, starts, series, bin, whole, !found.overlapping), [starts.join(), found, bin])
  return (
    <figure className="stack">
      <EChart option={option} label={`Cost for each ${bin} in US dollars, ${found.group_by ? `by ${series.map((one) => one.name).join(', ')}` : 'all calls'}`} />
      <figcaption className="legend">
        {series.length > 1 && series.map((one) => <span key={one.name}><span className="swatch" style={{ color: `var(--${one.ink})`, borderTopWidth: 8 }} />{one.name}</span>)}
        <span className="quiet">US dollars for each {bin}, UTC. Calls without a known price are not included.{cut && ` ${cut[0]!.toUpperCase()}${cut.slice(1)}.`}{found.overlapping && ' A call with two tags is counted twice.'}</span>
      </figcaption>
    </figure>
  )
}

function label(start: string, bin: 'hour' | 'day'): string {
  const at = new Date(start)
  return bin === 'hour'
    ? at.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit', timeZone: 'UTC' })
    : at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' })
}

function spendOption(ink: Ink, starts: string[], series: (Part & { ink: string })[], bin: 'hour' | 'day', whole: boolean[], addsUp: boolean) {
  const { grid, tooltip, xAxis, yAxis } = frame(ink, (value) => onAxis(value, 'USD'))
  const formatter = (drawn: { dataIndex: number }[]) => {
    const start = starts[drawn[0]!.dataIndex]!
    const parts = series.map((one) => ({ name: one.name, usd: one.of(start) })).filter((one) => one.usd !== null)
    const total = parts.reduce((sum, one) => sum + one.usd!, 0)
    const lines = parts.map((one) => `${one.name.slice(0, 40)}  ${money(one.usd)}`)
    return [`${label(start, bin)} UTC${addsUp ? `  ${money(total)}` : ''}`, ...(series.length > 1 ? lines : [])].join('\n')
  }
  return {
    grid,
    tooltip: { ...tooltip, axisPointer: { type: 'shadow' }, formatter },
    yAxis,
    xAxis: xAxis(starts.map((start) => label(start, bin))),
    series: series.map((one) => ({ type: 'bar', stack: 'cost', name: one.name, data: barsOf(starts.map(one.of), whole), itemStyle: { color: ink(one.ink) }, barMaxWidth: 46 })),
  }
}

/** What was spent each day, and the days to come with the interval they will lie in. */
export function ForecastChart({ found }: { found: Forecast }) {
  const option = useCallback((ink: Ink) => forecastOption(ink, found), [found])
  const last = found.forecast.at(-1)
  return (
    <figure className="stack">
      <EChart option={option} label={last ? `Cost for each day in US dollars with a forecast: ${money(last.usd)} on ${last.day}, between ${money(last.lower)} and ${money(last.upper)}` : 'Cost for each day in US dollars'} />
      <figcaption className="legend">
        <span><span className="swatch" style={{ color: 'var(--accent)' }} />spent</span>
        {last && <span><span className="swatch dash" style={{ color: 'var(--accent)' }} />forecast</span>}
        {last && <span><span className="swatch band" />its {Math.round(found.level * 100)} % interval</span>}
        <span className="quiet">US dollars for each full day, UTC.</span>
      </figcaption>
    </figure>
  )
}

function forecastOption(ink: Ink, found: Forecast) {
  const { text, grid, tooltip, yAxis } = frame(ink, (value) => onAxis(value, 'USD'))
  const days = [...found.history.map((one) => one.day), ...found.forecast.map((one) => one.day)]
  const behind = found.history.length
  const ahead = (pick: (one: Forecast['forecast'][number]) => number) => [...found.history.map(() => null), ...found.forecast.map(pick)]
  const line = { type: 'line', showSymbol: false }
  const still = { ...line, silent: true, stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 } }
  const joined = ahead((one) => one.usd)
  if (behind > 0 && found.forecast.length > 0) joined[behind - 1] = found.history[behind - 1]!.usd
  const formatter = (drawn: { dataIndex: number }[]) => {
    const i = drawn[0]!.dataIndex
    const next = found.forecast[i - behind]
    return next ? `${next.day}\n${money(next.usd)}, between ${money(next.lower)} and ${money(next.upper)}` : `${days[i]}\n${money(found.history[i]!.usd)}`
  }
  return {
    grid,
    tooltip: { ...tooltip, formatter },
    yAxis,
    xAxis: { type: 'category', data: days, boundaryGap: false, axisTick: { show: false }, axisLine: { lineStyle: { color: ink('line-strong') } }, axisLabel: { ...text, hideOverlap: true, formatter: (day: string) => label(`${day}T00:00:00Z`, 'day') } },
    series: [
      { ...still, data: ahead((one) => one.lower) },
      { ...still, data: ahead((one) => one.upper - one.lower), areaStyle: { color: ink('band'), opacity: 1 } },
      { ...line, data: found.history.map((one) => one.usd), showSymbol: behind < 8, lineStyle: { color: ink('accent'), width: 2 }, itemStyle: { color: ink('accent') } },
      { ...line, data: joined, lineStyle: { color: ink('accent'), width: 2, type: 'dashed' }, itemStyle: { color: ink('accent') } },
    ],
  }
}
