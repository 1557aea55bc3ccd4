import { Tooltip } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconInfoCircle } from '@tabler/icons-react'
import { lazy, type ReactNode, Suspense } from 'react'
import * as ask from '@/api/dashboards'
import type { Mark, Panel, PanelAnswer, Scope, Series } from '@/api/dashboards'
import { told } from '@/lib/match'
import { unusedSaid } from '@/lib/panels'
import { Loaded } from '@/parts/states'
import { GroupTable, Numbers } from './panel-figures'
import { ParameterView, Questions } from './panel-reports'
import { RowsTable } from './panel-rows'

const Charts = lazy(() => import('./panel-chart'))

interface FrameProps {
  panel: Panel
  scope: Scope
  compare?: boolean
  marks?: Mark[]
  onZoom?: (since: string, until: string) => void
  /** Buttons beside the title. */
  end?: ReactNode
  /** How it is called beside another of the same title. */
  label?: string
}

/** One panel: its title, what it shows, and why where it cannot. */
export function PanelFrame({ panel, scope, compare = false, marks = [], onZoom, end, label }: FrameProps) {
  const about = aboutOf(panel)
  const found = useQuery(ask.shown(panel, scope, compare))
  return (
    <section className="panel" data-width={panel.width} data-stale={found.isPlaceholderData || undefined} aria-label={label ?? panel.title}>
      <div className="panel-head">
        <h2>{panel.title}</h2>
        {about && (
          <Tooltip label={about} multiline maw={360}>
            <button type="button" className="icon-button" aria-label={`About ${panel.title}`}><IconInfoCircle size={14} aria-hidden /></button>
          </Tooltip>
        )}
        {end && <span className="end">{end}</span>}
      </div>
      <Loaded query={found} lines={panel.kind === 'number' ? 1 : 5}>
        {(answer) => (
          <>
            <Body panel={panel} answer={answer} marks={marks} onZoom={onZoom} />
            {unused(answer)}
          </>
        )}
      </Loaded>
    </section>
  )
}

/** What it is, and what it is narrowed to: nobody should take a part for the whole. */
function aboutOf(panel: Panel): string {
  const narrowed = told(panel.filter ?? {}).join('; ')
  return [panel.description, narrowed && `Only ${narrowed}.`].filter(Boolean).join(' ')
}

function unused({ unused }: PanelAnswer) {
  const said = unusedSaid(unused)
  return said && <p className="quiet small">{said}</p>
}

function Body({ panel, answer, marks, onZoom }: { panel: Panel; answer: PanelAnswer; marks: Mark[]; onZoom?: FrameProps['onZoom'] }) {
  if (answer.type === 'questions') return <Questions found={answer} />
  if (answer.type === 'parameter') return <ParameterView found={answer} />
  if (answer.type === 'rows' && (panel.kind === 'table' || panel.kind === 'number' || answer.rows.length === 0)) return <RowsTable found={answer} label={panel.title} />
  if (answer.type === 'series' && (answer.series.length === 0 || (panel.kind !== 'number' && answer.series.every(isEmpty)))) return <Nothing panel={panel} />
  if (answer.type === 'corrected_rate' && answer.n.every((n) => n === 0)) return <p className="quiet small">{answer.sentence} n 0. {panel.description}</p>
  if (answer.type === 'histogram' && answer.series.length === 0) return <Nothing panel={panel} />
  if (answer.type === 'series' && panel.kind === 'number') return <Numbers found={answer} grouped={Boolean(panel.group_by)} />
  if (answer.type === 'series' && panel.kind === 'table') return <GroupTable found={answer} panel={panel} />
  return (
    <Suspense fallback={<div className="chart" aria-busy="true" />}>
      <Charts panel={panel} answer={answer} marks={marks} onZoom={onZoom} />
    </Suspense>
  )
}

const isEmpty = ({ total, before }: Series) => [total, before].every((one) => !one || (one.n === 0 && one.unknown === 0))

function Nothing({ panel }: { panel: Panel }) {
  return <p className="quiet small">No data in this time range, n 0. {panel.description}</p>
}
