import { useNavigate } from '@tanstack/react-router'
import type { ECharts } from 'echarts/core'
import { useCallback, useMemo } from 'react'
import type { CorrectedAnswer, HistogramAnswer, Mark, Panel, PanelAnswer, RowsAnswer, SeriesAnswer } from '@/api/dashboards'
import { count } from '@/lib/format'
import { cutNote, drawn as drawnOf, type Drawn, type Line } from '@/lib/drawn'
import { binEdges, binName, inUnit, seriesName, tracesHref } from '@/lib/panels'
import { EChart, type Ink, INKS } from '@/parts/echart'
import { Said } from '@/parts/said'
import { Fold } from '@/parts/text'
import { banded, courseOption, hasIntervals, histogramOption } from './panel-options'
import { CourseTable } from './panel-course'

interface Props {
  panel: Panel
  answer: PanelAnswer
  marks: Mark[]
  onZoom?: (since: string, until: string) => void
}

/** The panels that are drawn. Their figures stand in a table below, for those who cannot point. */
export default function Charts({ panel, answer, marks, onZoom }: Props) {
  if (answer.type === 'histogram') return <Histogram panel={panel} answer={answer} />
  return <Course panel={panel} answer={answer as SeriesAnswer | CorrectedAnswer | RowsAnswer} marks={marks} onZoom={onZoom} />
}

function Course({ panel, answer, marks, onZoom }: Omit<Props, 'answer'> & { answer: SeriesAnswer | CorrectedAnswer | RowsAnswer }) {
  const drawn = useMemo(() => drawnOf(answer, Boolean(panel.group_by)), [answer, panel.group_by])
  const bars = panel.kind === 'bar'
  const option = useCallback((ink: Ink) => courseOption(ink, drawn, { bars, marks, stacked: bars }), [drawn, bars, marks])
  const lead = useLead(drawn, answer, onZoom)
  const label = `${panel.title}, ${drawn.lines.map((line) => line.name).join(', ')}; the figures are in the table below`
  return (
    <figure className="stack" style={{ gap: '0.4rem' }}>
      {answer.type === 'corrected_rate' && <p className="lead"><Said text={answer.sentence} /></p>}
      <EChart option={option} label={label} onReady={lead} />
      <figcaption className="legend">
        {drawn.lines.length > 1 && drawn.lines.map((line, i) => <Swatch key={line.name} line={line} at={i} lines={drawn.lines} />)}
        <span className="quiet">{noteOf(drawn, answer, bars)}</span>
      </figcaption>
      <Fold title={<span className="small">Figures</span>}><CourseTable drawn={drawn} answer={answer} /></Fold>
    </figure>
  )
}

function Swatch({ line, at, lines }: { line: Line; at: number; lines: Line[] }) {
  const ink = INKS[(line.dashed ? lines.findIndex((one) => `${one.name}, before` === line.name) : at) % INKS.length]!
  return <span><span className={`swatch ${line.dashed ? 'dash' : ''}`} style={{ color: `var(--${ink})` }} />{line.name}{line.change && <span className="quiet"> {line.change}</span>}</span>
}

function noteOf(drawn: Drawn, answer: SeriesAnswer | CorrectedAnswer | RowsAnswer, bars: boolean): string {
  if (answer.type === 'rows') return `${count(answer.rows.length)} rows${answer.truncated ? ', there are more' : ''}${drawn.lines.length === 0 ? '; no numeric column to draw' : ''}`
  const parts = answer.type === 'series' ? answer.series.filter((one) => one.metric === 0) : []
  const n = answer.type === 'corrected_rate' ? answer.n.reduce((sum, one) => sum + one, 0) : parts.reduce((sum, one) => sum + one.total.n, 0)
  const unknown = parts.reduce((sum, one) => sum + one.total.unknown, 0)
  const unit = drawn.lines[0]?.unit
  return [`n ${count(n)}`, unknown > 0 && `${count(unknown)} unknown`, unit, `bins of ${binName(answer.bin_s)}, UTC`, cutNote(drawn.whole, bars ? 'faint' : 'dashed'), banded(drawn) ? 'bands: 95 % intervals' : hasIntervals(drawn) && '95 % intervals in the figures'].filter(Boolean).join(' · ')
}

/** A click opens the traces of a bin, a stroke narrows the range to what it covers. */
function useLead(drawn: Drawn, answer: SeriesAnswer | CorrectedAnswer | RowsAnswer, onZoom: Props['onZoom']) {
  const navigate = useNavigate()
  return useCallback(
    (chart: ECharts) => {
      if (answer.type === 'rows' || !drawn.starts) return
      let from: number | null = null
      const at = (event: { offsetX: number; offsetY: number }) => {
        const [x, y] = chart.convertFromPixel({ gridIndex: 0 }, [event.offsetX, event.offsetY]) as [number, number]
        return { bin: Math.min(Math.max(Math.round(x), 0), drawn.starts!.length - 1), y }
      }
      const edges = (bin: number) => binEdges({ ...answer, starts: drawn.starts! }, bin)
      chart.getZr().on('mousedown', (event) => { from = chart.containPixel('grid', [event.offsetX, event.offsetY]) ? at(event).bin : null })
      chart.getZr().on('mouseup', (event) => {
        if (from === null) return
        const { bin, y } = at(event)
        const [first, last] = [Math.min(from, bin), Math.max(from, bin)]
        from = null
        if (first !== last) return onZoom?.(edges(first)[0], edges(last)[1])
        const href = tracesHref(nearest(drawn.lines, bin, y)?.traces ?? null, ...edges(bin))
        if (href) void navigate({ href })
      })
    },
    [drawn, answer, onZoom, navigate],
  )
}

function nearest(lines: Line[], bin: number, y: number): Line | undefined {
  const there = lines.filter((line) => !line.dashed && line.values[bin] !== null)
  return there.sort((a, b) => Math.abs(a.values[bin]! - y) - Math.abs(b.values[bin]! - y))[0]
}

function Histogram({ panel, answer }: { panel: Panel; answer: HistogramAnswer }) {
  const option = useCallback((ink: Ink) => histogramOption(ink, answer, Boolean(panel.group_by)), [answer, panel.group_by])
  return (
    <figure className="stack" style={{ gap: '0.4rem' }}>
      <EChart option={option} label={`${panel.title}: distribution of values`} />
      <figcaption className="legend">
        {answer.series.map((one, i) => (
          <span key={`${one.group} ${one.others}`}>
            <span className="swatch" style={{ color: `var(--${INKS[i % INKS.length]})`, borderTopWidth: 8 }} />
            {seriesName(one, Boolean(panel.group_by), 1)}: n {count(one.n)}, median {inUnit(one.p50, answer.unit)}, p95 {inUnit(one.p95, answer.unit)}
            {one.unknown > 0 && <span className="unknown"> + {count(one.unknown)} unknown</span>}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
