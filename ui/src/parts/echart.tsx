import { useComputedColorScheme } from '@mantine/core'
import { BarChart, LineChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent, TooltipComponent } from 'echarts/components'
import * as echarts from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { useEffect, useRef } from 'react'

echarts.use([BarChart, LineChart, GridComponent, TooltipComponent, MarkLineComponent, SVGRenderer])

/** The inks of series, in their order; the scheme makes them. */
export const INKS = ['k-llm', 'k-tool', 'k-agent', 'k-retriever', 'k-guardrail', 'base']

export type Ink = (name: string) => string

interface EChartProps {
  option: (ink: Ink) => object
  label: string
  /** Is told of the chart after each drawing, to listen to it. */
  onReady?: (chart: echarts.ECharts) => void
}

/** Draws what `option` says with the colours of the scheme; only chunks that are loaded when needed may import this. */
export function EChart({ option, label, onReady }: EChartProps) {
  const host = useRef<HTMLDivElement>(null)
  const scheme = useComputedColorScheme('light')
  useEffect(() => {
    const css = getComputedStyle(document.documentElement)
    const chart = echarts.init(host.current!, undefined, { renderer: 'svg' })
    chart.setOption({ animation: false, ...option((name) => css.getPropertyValue(`--${name}`).trim()) })
    onReady?.(chart)
    const resize = new ResizeObserver(() => chart.resize())
    resize.observe(host.current!)
    return () => {
      resize.disconnect()
      chart.dispose()
    }
  }, [option, scheme, onReady])
  return <div ref={host} className="chart" role="img" aria-label={label} />
}

/** The look that all charts over time share. Tooltips are drawn as SVG text: no HTML is made of data. */
export function frame(ink: Ink, write: (value: number) => string) {
  const text = { color: ink('ink-3'), fontFamily: ink('font'), fontSize: 11 }
  return {
    text,
    grid: { left: 64, right: 16, top: 14, bottom: 28 },
    tooltip: {
      trigger: 'axis',
      renderMode: 'richText',
      confine: true,
      backgroundColor: ink('surface'),
      borderColor: ink('line-strong'),
      textStyle: { ...text, color: ink('ink'), fontSize: 12 },
    },
    xAxis: (labels: string[], ticks: (string | null)[] | null = null) => ({
      type: 'category',
      data: labels,
      axisTick: { show: false },
      axisLine: { lineStyle: { color: ink('line-strong') } },
      axisLabel: { ...text, hideOverlap: true, ...named(ticks) },
    }),
    yAxis: {
      type: 'value',
      axisLine: { show: false },
      axisTick: { show: false },
      axisLabel: { ...text, formatter: write },
      splitLine: { lineStyle: { color: ink('line') } },
    },
  }
}

/** Only what has a name: an axis in steps of 4 h 15 min tells nobody anything. */
function named(ticks: (string | null)[] | null): object {
  return ticks ? { interval: (at: number) => ticks[at] !== null, formatter: (_: string, at: number) => ticks[at] ?? '' } : {}
}
