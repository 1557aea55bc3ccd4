import { SegmentedControl, useComputedColorScheme } from '@mantine/core'
import { LineChart } from 'echarts/charts'
import { DataZoomComponent, GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useMemo, useRef, useState } from 'react'

import type { Canary, Look } from '@/api/types'
import { count, exact, interval, signed, words } from '@/lib/format'
import { looksAt, marginOf, unitsOf } from './canary-parts'

echarts.use([LineChart, GridComponent, TooltipComponent, MarkLineComponent, DataZoomComponent, SVGRenderer])

/** The live interval over the evidence: a band that narrows, with the zero line and the margin it is held against. */
export default function CanaryChart({ canary }: { canary: Canary }) {
  const host = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  const names = canary.metrics.map((one) => one.name)
  const [picked, setPicked] = useState<string>()
  const name = picked ?? names[0] ?? 'score'
  const looks = useMemo(() => looksAt(canary.looks, name), [canary.looks, name])
  const metric = canary.metrics.find((one) => one.name === name)
  const limit = metric ? marginOf(metric) : null
  const margin = limit?.at ?? null
  useEffect(() => {
    const chart = echarts.init(host.current!, undefined, { renderer: 'svg' })
    chart.setOption(option(looks, margin, canary))
    const resize = new ResizeObserver(() => chart.resize())
    resize.observe(host.current!)
    return () => {
      resize.disconnect()
      chart.dispose()
    }
  }, [looks, margin, canary, scheme])
  const last = looks.at(-1)
  return (
    <figure className="stack">
      {names.length > 1 && <SegmentedControl size="xs" data={names.map((one) => ({ value: one, label: words(one) }))} value={name} onChange={setPicked} style={{ alignSelf: 'flex-start' }} />}
      <div ref={host} className="chart" role="img" aria-label={last ? `${words(name)}: difference ${signed(last.difference)}, interval ${interval(last.ci, true)} at ${unitsOf(last)} units, after ${looks.length} looks` : `${words(name)}: no check yet`} />
      <figcaption className="legend">
        <span><span className="swatch" style={{ color: 'var(--accent)' }} />difference in {words(name)}</span>
        <span><span className="swatch band" />its interval{canary.alpha !== undefined && `, α ${canary.alpha}`}</span>
        <span><span className="swatch" style={{ color: 'var(--ink-3)' }} />zero: no difference</span>
        {margin !== null && <span><span className="swatch dash" style={{ color: 'var(--bad)' }} />margin {signed(margin)}</span>}
        <span className="quiet">Promoted when the whole band is {limit?.bad === 'above' ? 'below' : 'above'} the margin, rolled back when it is {limit?.bad === 'above' ? 'above' : 'below'} zero.</span>
      </figcaption>
    </figure>
  )
}

function option(looks: Look[], margin: number | null, canary: Canary) {
  const css = getComputedStyle(document.documentElement)
  const ink = (name: string) => css.getPropertyValue(`--${name}`).trim()
  const xs = looks.map(unitsOf)
  const line = { type: 'line', showSymbol: false, silent: true, animation: false }
  const point = (pick: (look: Look) => number | null) => looks.map((look, i) => [xs[i], pick(look)])
  const low = Math.min(...looks.map((look) => look.ci![0]), margin ?? 0, 0)
  const high = Math.max(...looks.map((look) => look.ci![1]), margin ?? 0, 0)
  const air = (high - low) * 0.08 || 0.01
  const text = { color: ink('ink-3'), fontFamily: css.getPropertyValue('--font'), fontSize: 11 }
  return {
    grid: { left: 58, right: 18, top: 14, bottom: 44 },
    textStyle: text,
    tooltip: {
      trigger: 'axis',
      // Drawn as SVG text: no HTML from data, and nothing the content security policy would have to allow.
      renderMode: 'richText',
      backgroundColor: ink('surface'),
      borderColor: ink('line-strong'),
      textStyle: { ...text, color: ink('ink'), fontSize: 12 },
      formatter: (found: { dataIndex: number }[]) => spoken(looks[found[0]!.dataIndex]!),
    },
    dataZoom: [{ type: 'inside', filterMode: 'none' }],
    xAxis: {
      type: 'value',
      name: `${canary.unit ?? 'unit'}s seen in both arms`,
      nameLocation: 'middle',
      nameGap: 28,
      nameTextStyle: text,
      min: looks.length === 1 ? 0 : xs[0],
      max: looks.length === 1 ? 2 * xs[0]! : xs.at(-1),
      axisLabel: { ...text, hideOverlap: true, formatter: (value: number) => count(Math.round(value)) },
      axisLine: { onZero: false, lineStyle: { color: ink('line-strong') } },
      splitLine: { show: false },
    },
    yAxis: {
      type: 'value',
      axisLine: { show: false },
      axisTick: { show: false },
      min: low - air,
      max: high + air,
      axisLabel: { ...text, formatter: (value: number) => signed(value, 2), showMinLabel: false, showMaxLabel: false },
      splitLine: { lineStyle: { color: ink('line') } },
    },
    series: [
      { ...line, data: point((look) => look.ci![0]), stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 } },
      { ...line, data: point((look) => look.ci![1] - look.ci![0]), stack: 'band', stackStrategy: 'all', lineStyle: { opacity: 0 }, areaStyle: { color: ink('band'), opacity: 1 } },
      {
        ...line,
        silent: false,
        data: point((look) => look.difference),
        showSymbol: looks.length <= FEW_LOOKS,
        symbol: 'circle',
        symbolSize: 9,
        lineStyle: { color: ink('accent'), width: 2 },
        itemStyle: { color: ink('accent') },
        markLine: { symbol: 'none', silent: true, label: { show: false }, data: [...marks(margin, ink), ...whiskers(looks, ink)] },
      },
    ],
  }
}

/** A band needs two looks to be seen; where there are few, each shows its interval itself. */
const FEW_LOOKS = 12

function whiskers(looks: Look[], ink: (name: string) => string) {
  if (looks.length > FEW_LOOKS) return []
  const lineStyle = { color: ink('accent'), type: 'solid', width: 1.5 }
  return looks.map((look) => [{ coord: [unitsOf(look), look.ci![0]], lineStyle }, { coord: [unitsOf(look), look.ci![1]] }])
}

function marks(margin: number | null, ink: (name: string) => string) {
  const zero = { yAxis: 0, lineStyle: { color: ink('ink-3'), type: 'solid', width: 1.2 } }
  return margin === null ? [zero] : [zero, { yAxis: margin, lineStyle: { color: ink('bad'), type: 'dashed', width: 1.5 } }]
}

function spoken(look: Look): string {
  const units = typeof look.units === 'number' ? `${count(look.units)} units` : `${count(look.units.baseline)} + ${count(look.units.candidate)} units`
  return `${units}\n${signed(look.difference)} ${interval(look.ci, true)}\n${exact(look.at)}`
}
