import { Button, Checkbox, Menu } from '@mantine/core'
import { IconColumns3, IconRefresh } from '@tabler/icons-react'
import { useMemo, useState } from 'react'
import * as ask from '@/api/queries'
import type { TraceRow } from '@/api/types'
import { count, plural } from '@/lib/format'
import { sinceOf } from '@/lib/range'
import { type Search, useAddress } from '@/lib/search'
import { Copy, Snippet } from '@/parts/copy'
import { Listed, usePages } from '@/parts/list'
import { ReleaseLink, TraceLink } from '@/parts/links'
import { Page } from '@/parts/page'
import { Empty, Waiting } from '@/parts/states'
import { KindIcon, SpanSign } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/text'
import { Duration, Money, Person, ScoreChip, Time, TokenCount } from '@/parts/values'
import { TraceFilters } from './trace-filters'

const FILTERS = [
  'model', 'provider', 'user', 'session', 'status', 'kind', 'name', 'text', 'release', 'channel', 'arm', 'run', 'environment', 'tag',
  'score', 'min_latency_ms', 'max_latency_ms', 'min_cost', 'until',
]
const OPTIONAL = ['model', 'user', 'release', 'tokens', 'cost', 'scores']

export function Traces() {
  const [address, change] = useAddress()
  const query = useMemo(() => queryOf(address), [address])
  const live = address.live === '1'
  const pages = usePages<TraceRow>({ ...ask.traces(query), refetchInterval: live ? 3_000 : undefined })
  const filtered = FILTERS.some((name) => address[name]) || Boolean(address.range || address.since)
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set())
  const columns = useColumns(address.cols)
  return (
    <Page
      title="Traces"
      fill
      heading={<>Traces {pages.query.data && <span className="quiet" style={{ fontWeight: 400 }}>{count(pages.total)}</span>}</>}
      actions={
        <>
          {chosen.size > 0 && <Copy text={[...chosen].join('\n')}>Copy {plural(chosen.size, 'id')}</Copy>}
          <Button variant={live ? 'light' : 'default'} aria-pressed={live} leftSection={<IconRefresh size={14} aria-hidden />} onClick={() => change({ live: live ? undefined : '1' }, true)}>
            Live
          </Button>
          <ColumnMenu cols={address.cols} onChange={(cols) => change({ cols }, true)} />
        </>
      }
    >
      <TraceFilters address={address} change={change} />
      <Listed pages={pages} empty={filtered ? <NothingFound clear={() => change(cleared())} /> : <FirstTrace />}>
        {(rows) => (
          <Table
            label="Traces, newest first"
            rows={rows}
            columns={columns}
            rowKey={(row) => row.trace_id}
            href={(row) => `/traces/${row.trace_id}`}
            chosen={chosen}
            onChoose={(key) => setChosen(toggled(chosen, key))}
            onEnd={pages.more}
            rowHeight={47}
            fill
          />
        )}
      </Listed>
    </Page>
  )
}

function useColumns(cols: string | undefined): Column<TraceRow>[] {
  return useMemo(() => {
    const wanted = new Set(cols?.split(',') ?? OPTIONAL)
    return COLUMNS.filter((column) => !OPTIONAL.includes(column.id) || wanted.has(column.id))
  }, [cols])
}

const COLUMNS: Column<TraceRow>[] = [
  {
    id: 'name',
    head: 'Trace',
    className: 'main-cell',
    cell: (row) => (
      <div style={{ minWidth: 0 }}>
        <div className="line tight" style={{ flexWrap: 'nowrap' }}>
          <KindIcon kind={row.kind} />
          <span className="cut"><TraceLink id={row.trace_id}>{row.name}</TraceLink></span>
          <SpanSign status={row.status} />
          {row.arm && <span className={`tag ${row.arm === 'candidate' ? 'accent' : 'neutral'}`}>{row.arm}</span>}
          <span className="quiet small nowrap hide-s">{plural(row.spans, 'span')}{row.errors > 0 && <span className="bad"> · {plural(row.errors, 'error')}</span>}</span>
        </div>
        {row.input && <div className="cut small second"><Scrubbed text={row.input} pii={row.pii} /></div>}
      </div>
    ),
  },
  { id: 'model', head: 'Model', className: 'hide-l', cell: (row) => <div className="cut" style={{ maxWidth: '8.5rem' }} title={row.models.join(', ')}>{row.models.join(', ') || <span className="quiet">none</span>}</div> },
  { id: 'user', head: 'User', className: 'hide-l', cell: (row) => (row.user ? <div className="cut" style={{ maxWidth: '8rem' }}><Person actor={row.user} /></div> : <span className="quiet">none</span>) },
  { id: 'release', head: 'Release', className: 'hide-l nowrap', cell: (row) => <ReleaseLink id={row.release} /> },
  {
    id: 'scores',
    head: 'Scores',
    className: 'hide-m',
    cell: (row) => (
      <span className="line tight" style={{ flexWrap: 'nowrap' }}>
        {scoreChips(row)}
      </span>
    ),
  },
  { id: 'tokens', head: 'Tokens', className: 'num hide-m', cell: (row) => <TokenCount input={row.tokens.input} output={row.tokens.output} /> },
  { id: 'cost', head: 'Cost', className: 'num hide-m', cell: (row) => <Money usd={row.cost.usd} unknown={row.cost.unknown} /> },
  { id: 'latency', head: 'Latency', className: 'num', cell: (row) => <Duration ms={row.latency_ms} /> },
  { id: 'time', head: 'Started', className: 'num', cell: (row) => <Time at={row.start} /> },
]

function scoreChips(row: TraceRow) {
  const [first, ...rest] = Object.entries(row.scores)
  if (!first) return null
  return (
    <>
      <ScoreChip name={first[0]} mean={first[1].mean} n={first[1].n} />
      {rest.length > 0 && <span className="quiet small" title={rest.map(([name, score]) => `${name} ${score.mean}`).join(', ')}>+{rest.length}</span>}
    </>
  )
}

function ColumnMenu({ cols, onChange }: { cols: string | undefined; onChange: (cols: string | undefined) => void }) {
  const wanted = cols?.split(',') ?? OPTIONAL
  const toggle = (id: string) => {
    const next = OPTIONAL.filter((one) => (one === id ? !wanted.includes(one) : wanted.includes(one)))
    onChange(next.length === OPTIONAL.length ? undefined : next.join(',') || 'none')
  }
  return (
    <Menu closeOnItemClick={false} position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconColumns3 size={14} aria-hidden />}>Columns</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {OPTIONAL.map((id) => (
          <Menu.Item key={id} onClick={() => toggle(id)} leftSection={<Checkbox size="xs" checked={wanted.includes(id)} readOnly tabIndex={-1} aria-hidden />}>
            <span style={{ textTransform: 'capitalize' }}>{id}</span>
            <span className="sr">{wanted.includes(id) ? ', shown' : ', hidden'}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}

function NothingFound({ clear }: { clear: () => void }) {
  return (
    <Empty title="No trace matches these filters">
      <p className="second">Traces that match will appear here. Widen the time range, or start anew.</p>
      <Button variant="default" onClick={clear}>Clear all filters</Button>
    </Empty>
  )
}

function FirstTrace() {
  const origin = window.location.origin
  return (
    <div style={{ overflow: 'auto' }}>
      <Empty title="Here you will see every request your application makes: its steps, what was said, what it cost">
        <p className="second prose">Take the way that suits you, or let <a href="/connect">the page for connecting</a> write the lines for your client, with a key of its own.</p>
        <h3>Python, with the SDK</h3>
        <Snippet text={`pip install assay-sdk\nexport ASSAY_URL=${origin} ASSAY_API_KEY=sk_…`} />
        <Snippet text={`import assay\nassay.init(service="support")\n\n@assay.observe\ndef answer(question): ...`} />
        <h3>Anything that speaks OpenTelemetry</h3>
        <Snippet text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}\nexport OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer sk_…"\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`} />
        <h3>An OpenAI client, through the gateway</h3>
        <Snippet text={`export OPENAI_BASE_URL=${origin}/v1\nexport OPENAI_API_KEY=sk_…`} />
        <LiveWait />
      </Empty>
    </div>
  )
}

function LiveWait() {
  usePages<TraceRow>({ ...ask.traces({}), refetchInterval: 2_000 })
  return <Waiting>Waiting for the first one… this page shows it by itself.</Waiting>
}

function queryOf(address: Search): Search {
  const query: Search = { since: address.since ?? sinceOf(address.range) }
  for (const name of FILTERS) if (address[name]) query[name] = address[name]
  return query
}

function cleared(): Search {
  return Object.fromEntries([...FILTERS, 'range', 'since'].map((name) => [name, undefined]))
}

function toggled(set: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(set)
  if (!next.delete(key)) next.add(key)
  return next
}
