import { Button, Checkbox, Menu } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconColumns3, IconEyeOff, IconHourglassEmpty, IconRepeat } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { values } from '@/api/search'
import type { TraceRow } from '@/api/types'
import { ownColumns } from '@/lib/choices'
import { plural, score as figure, titled, words } from '@/lib/format'
import { ReleaseLink, TraceLink } from '@/parts/links'
import { KindIcon, SpanSign } from '@/parts/status'
import type { Column } from '@/parts/table'
import { saidIn } from '@/lib/messages'
import { Scrubbed } from '@/parts/scrubbed'
import { Duration, Money, Person, ScoreChip, Time, TokenCount } from '@/parts/values'

const PAGE = 'traces'
const USUAL = ['model', 'user', 'release', 'scores', 'tokens', 'cost']
/** A column of one score: what end users, judges or people said. */
const SCORE = 'score.'

/** The columns in force: of the address, else this reader's own, else the usual ones; and what the list is sorted by. `asked`: names of scores that the list is narrowed by, which go first. */
export function columnsOf(cols: string | undefined, asked: string[], sorted: string | undefined): Column<TraceRow>[] {
  const wanted = [...new Set([...namesOf(cols), ...(sorted ? [sorted] : [])])]
  const scores = wanted.filter((name) => name.startsWith(SCORE)).map((name) => scoreColumn(name.slice(SCORE.length)))
  const [first, ...rest] = COLUMNS
  return [first!, ...rest.filter((column) => ALWAYS.includes(column.id) || wanted.includes(column.id)).flatMap((column) => (column.id === 'latency' ? [...scores, column] : column.id === 'scores' ? [{ ...column, cell: scoresCell(asked) }] : [column]))]
}

function namesOf(cols: string | undefined): string[] {
  return (cols ?? ownColumns.of(PAGE))?.split(',').filter(Boolean) ?? USUAL
}

const ALWAYS = ['name', 'latency', 'time']
const COLUMNS: Column<TraceRow>[] = [
  {
    id: 'name',
    head: 'Trace',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="line tight" style={{ flexWrap: 'nowrap' }}>
          <KindIcon kind={row.kind} />
          <span className="cut"><TraceLink id={row.trace_id}>{titled(row.name)}</TraceLink></span>
          <SpanSign status={row.status} />
          <Flags row={row} />
          {row.arm && <span className={`tag ${row.arm === 'candidate' ? 'accent' : 'neutral'}`}>{row.arm}</span>}
          <span className="quiet small nowrap hide-s">{plural(row.spans, 'span')}{row.errors > 0 && <span className="bad"> · {plural(row.errors, 'error')}</span>}</span>
        </div>
        {row.input && <div className="cut small second"><Scrubbed text={saidIn(row.input)} pii={row.pii} /></div>}
      </div>
    ),
  },
  { id: 'output', head: 'Answer', className: 'hide-l', cell: (row) => <div className="cut small second" style={{ maxWidth: '18rem' }}>{row.output ? <Scrubbed text={row.output} pii={row.pii} /> : <span className="quiet">none</span>}</div> },
  { id: 'model', head: 'Model', className: 'hide-l', cell: (row) => <div className="cut" style={{ maxWidth: '8.5rem' }} title={row.models.join(', ')}>{row.models.join(', ') || <span className="quiet">none</span>}</div> },
  { id: 'user', head: 'User', className: 'hide-l', cell: (row) => (row.user ? <div className="cut" style={{ maxWidth: '8rem' }}><Person actor={row.user} /></div> : <span className="quiet">none</span>) },
  { id: 'session', head: 'Session', className: 'hide-l', cell: (row) => (row.session ? <div className="cut" style={{ maxWidth: '8rem' }}><Link to="/sessions/one" search={{ id: row.session }}>{row.session}</Link></div> : <span className="quiet">none</span>) },
  { id: 'service', head: 'Service', className: 'hide-l', cell: (row) => (row.service ? <div className="cut" style={{ maxWidth: '8rem' }}>{row.service}</div> : <span className="quiet">not said</span>) },
  { id: 'release', head: 'Release', className: 'hide-l nowrap', cell: (row) => <ReleaseLink id={row.release} /> },
  { id: 'channel', head: 'Channel', className: 'hide-l nowrap', cell: (row) => row.channel ?? <span className="quiet">none</span> },
  { id: 'scores', head: 'Scores', className: 'hide-m', cell: scoresCell([]) },
  { id: 'tokens', head: 'Tokens', sort: 'tokens', className: 'num hide-m', cell: (row) => <TokenCount input={row.tokens.input} output={row.tokens.output} /> },
  { id: 'cost', head: 'Cost', sort: 'cost', className: 'num hide-m', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
  { id: 'latency', head: 'Latency', sort: 'latency', className: 'num', cell: (row) => <Duration ms={row.latency_ms} /> },
  { id: 'time', head: 'Started', sort: 'start', className: 'num', cell: (row) => <Time at={row.start} /> },
]
const CHOOSABLE = COLUMNS.filter((column) => !ALWAYS.includes(column.id))

function scoreColumn(name: string): Column<TraceRow> {
  return {
    id: SCORE + name,
    head: words(name),
    sort: SCORE + name,
    className: 'num hide-s',
    cell: (row) => {
      const found = row.scores[name]
      if (!found) return <span className="quiet">none</span>
      return <span title={`mean of n ${found.n}`}>{figure(found.mean, 2)}{found.n > 1 && <span className="quiet small"> n {found.n}</span>}</span>
    },
  }
}

/** What one should see before opening a trace: tools called in circles, text that was let go, values that were scrubbed. */
function Flags({ row }: { row: TraceRow }) {
  return (
    <>
      {row.scores.tool_loop && <span className="unsure" style={{ display: 'inline-flex' }} title="Tools were called in a loop"><IconRepeat size={14} stroke={2} aria-label="tool loop" role="img" /></span>}
      {Boolean(row.let_go) && <span className="quiet" style={{ display: 'inline-flex' }} title={`The text of ${plural(row.let_go!, 'span')} was deleted by the project's retention`}><IconHourglassEmpty size={14} stroke={1.8} aria-label="text deleted" role="img" /></span>}
      {row.pii.length > 0 && <span className="quiet" style={{ display: 'inline-flex' }} title={`Scrubbed: ${row.pii.map((type) => words(type.toLowerCase())).join(', ')}`}><IconEyeOff size={14} stroke={1.8} aria-label="scrubbed" role="img" /></span>}
    </>
  )
}

function scoresCell(asked: string[]) {
  return (row: TraceRow) => <span className="line tight" style={{ flexWrap: 'nowrap' }}>{scoreChips(row, asked)}</span>
}

function scoreChips(row: TraceRow, asked: string[]) {
  const later = ([name, score]: [string, { mean: number | null }]) => (asked.includes(name) ? 0 : score.mean === null ? 2 : 1) // comments and failures last
  const [first, ...rest] = Object.entries(row.scores).sort((a, b) => later(a) - later(b))
  if (!first) return null
  return (
    <>
      <ScoreChip name={first[0]} mean={first[1].mean} n={first[1].n} />
      {rest.length > 0 && <span className="quiet small" title={rest.map(([name, score]) => `${name} ${score.mean}`).join(', ')}>+{rest.length}</span>}
    </>
  )
}

export function ColumnMenu({ cols, onChange }: { cols: string | undefined; onChange: (cols: string | undefined) => void }) {
  const [opened, open] = useState(false)
  const [own, setOwn] = useState(ownColumns.of(PAGE))
  const scores = useQuery({ ...values('score'), enabled: opened })
  const wanted = namesOf(cols)
  const ids = [...CHOOSABLE.map((column) => column.id), ...new Set([...(scores.data?.items.map((one) => SCORE + one.value) ?? []), ...wanted.filter((name) => name.startsWith(SCORE))])]
  const toggle = (id: string) => onChange(ids.filter((one) => (one === id ? !wanted.includes(one) : wanted.includes(one))).join(',') || 'none')
  const keep = (next: string | undefined) => {
    ownColumns.set(PAGE, next)
    setOwn(next)
    onChange(undefined)
  }
  return (
    <Menu closeOnItemClick={false} position="bottom-end" opened={opened} onChange={open}>
      <Menu.Target>
        <Button variant="default" leftSection={<IconColumns3 size={14} aria-hidden />}>Columns</Button>
      </Menu.Target>
      <Menu.Dropdown mah="70vh" style={{ overflowY: 'auto' }}>
        {ids.map((id) => (
          <Menu.Item key={id} onClick={() => toggle(id)} leftSection={<Checkbox size="xs" checked={wanted.includes(id)} readOnly tabIndex={-1} aria-hidden />}>
            {nameOf(id)}
            <span className="sr">{wanted.includes(id) ? ', shown' : ', hidden'}</span>
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item disabled={cols === undefined} onClick={() => keep(cols)}>Save in this browser</Menu.Item>
        <Menu.Item disabled={cols === undefined && own === undefined} onClick={() => keep(undefined)}>Default columns</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}

function nameOf(id: string) {
  if (id.startsWith(SCORE)) return <><span className="quiet">Score</span> {words(id.slice(SCORE.length))}</>
  return CHOOSABLE.find((column) => column.id === id)?.head ?? id
}
