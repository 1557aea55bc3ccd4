import { Button } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { IconDownload, IconPlayerPlay, IconPlayerStop } from '@tabler/icons-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import * as ask from '@/api/sql'
import type { Answer } from '@/api/sql'
import { count, duration, plural } from '@/lib/format'
import { csv } from '@/lib/csv'
import { useAddress } from '@/lib/search'
import { plain } from '@/lib/text'
import { Copy } from '@/parts/copy'
import { Page } from '@/parts/page'
import { ProblemNote, Waiting } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/scrubbed'
import SqlEditor from '@/parts/sql-editor'
import { SchemaList } from './schema'

const EXAMPLES: [string, string][] = [
  ['What each model costs', "SELECT model, count(*) AS calls, sum(cost) AS usd\nFROM calls\nWHERE start > now() - INTERVAL 7 DAY\nGROUP BY model\nORDER BY usd DESC NULLS LAST"],
  ['The slowest tools', "SELECT name, count(*) AS n, quantile_cont(latency_ms, 0.95) AS p95_ms\nFROM spans\nWHERE kind = 'tool'\nGROUP BY name\nORDER BY p95_ms DESC"],
  ['Traces with an error', 'SELECT trace_id, name, start, errors, "user"\nFROM traces\nWHERE errors > 0\nORDER BY start DESC\nLIMIT 50'],
  ['Scores by name', 'SELECT name, source, count(*) AS n, avg(value) AS mean\nFROM scores\nGROUP BY ALL\nORDER BY n DESC'],
]

/** One SELECT over the project's own facts. The query is in the address: a link runs it. */
export function Sql() {
  const [address, change] = useAddress()
  const sent = address.q ?? ''
  const [typed, setTyped] = useState(sent || EXAMPLES[0]![1])
  const [asked, setAsked] = useState(0)
  const [stopped, setStopped] = useState<string | null>(null) // the query that was stopped
  useEffect(() => { if (sent) setTyped(sent) }, [sent]) // going back shows the query of the answer
  const insert = useRef<(text: string) => void>(() => undefined)
  const schema = useQuery(ask.schema)
  const client = useQueryClient()
  const options = ask.answer(sent, asked)
  const answer = useQuery(options)
  const run = (sql = typed) => {
    setTyped(sql)
    setStopped(null)
    setAsked(asked + 1)
    if (sql !== sent) change({ q: sql })
  }
  const stop = () => {
    setStopped(sent)
    void client.cancelQueries({ queryKey: options.queryKey })
  }
  const isStopped = stopped === sent && !answer.isFetching && !answer.data
  return (
    <Page title="SQL" fill className="sql-page">
      <div className="sql">
        <div className="ask">
          <SqlEditor label="SQL" value={typed} onChange={setTyped} onRun={() => run()} schema={schema.data} onReady={(write) => { insert.current = write }} />
          <div className="line">
            {answer.isFetching ? (
              <Button variant="default" leftSection={<IconPlayerStop size={14} aria-hidden />} onClick={stop}>Stop</Button>
            ) : (
              <Button leftSection={<IconPlayerPlay size={14} aria-hidden />} disabled={!typed.trim()} onClick={() => run()}>Run</Button>
            )}
            <span className="quiet small hide-s"><kbd>Ctrl</kbd> <kbd>Enter</kbd></span>
            {answer.data && !answer.isFetching && <Told answer={answer.data} />}
          </div>
          <div className="answer">
            {answer.isFetching && <Waiting>Asking…</Waiting>}
            {answer.isError && !answer.isFetching && <ProblemNote error={answer.error} />}
            {answer.data && !answer.isFetching && <Rows answer={answer.data} />}
            {isStopped && <p className="second" role="status">Stopped. The query is no longer running on the server. Select Run to try again; a shorter time range or fewer rows is faster.</p>}
            {!answer.data && !answer.isFetching && !answer.isError && !isStopped && <Examples run={run} />}
          </div>
        </div>
        <SchemaList insert={(text) => insert.current(text)} />
      </div>
    </Page>
  )
}

function Examples({ run }: { run: (sql: string) => void }) {
  return (
    <div className="state">
      <h2>Query your own data</h2>
      <p className="second prose">Write one SELECT in DuckDB SQL over the tables listed here. It reads this project only and changes nothing. For example:</p>
      <ul className="stack" style={{ gap: '0.3rem' }}>
        {EXAMPLES.map(([name, sql]) => <li key={name}><button type="button" className="linkish" onClick={() => run(sql)}>{name}</button></li>)}
      </ul>
    </div>
  )
}

function Told({ answer }: { answer: Answer }) {
  const names = answer.columns.map((column) => column.name)
  const save = () => {
    const link = document.createElement('a')
    link.href = URL.createObjectURL(new Blob([csv(names, answer.rows)], { type: 'text/csv' }))
    link.download = 'assay-query.csv'
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 1000)
  }
  const objects = () => JSON.stringify(answer.rows.map((row) => Object.fromEntries(row.map((value, i) => [names[i], value]))), null, 2)
  return (
    <>
      <span className="second small" role="status">
        {plural(answer.rows.length, 'row')} in {duration(answer.elapsed_ms)}
        {answer.truncated && <span className="unsure"> · there are more; showing the first {count(answer.rows.length)} are shown</span>}
      </span>
      <span className="line tight" style={{ marginLeft: 'auto' }}>
        <Copy text={objects} label="Copy as JSON">Copy</Copy>
        <button type="button" className="icon-button lined" onClick={save}><IconDownload size={14} aria-hidden /> CSV</button>
      </span>
    </>
  )
}

const NUMBERS = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL)/

function Rows({ answer }: { answer: Answer }) {
  const columns = useMemo<Column<[number, unknown[]]>[]>(
    () =>
      answer.columns.map(({ name, type }, i) => ({
        id: `${i}`,
        head: <span title={type}>{name}</span>,
        className: NUMBERS.test(type) ? 'num' : 'nowrap',
        cell: ([, row]) => <Cell name={name} value={row[i]} />,
      })),
    [answer.columns],
  )
  if (answer.rows.length === 0) return <p className="second">No rows. The query is valid, but nothing matches it.</p>
  return <Table label="Answer" rows={answer.rows.map((row, i): [number, unknown[]] => [i, row])} columns={columns} rowKey={([i]) => `${i}`} fill />
}

const LONGEST = 120

function Cell({ name, value }: { name: string; value: unknown }) {
  if (value === null || value === undefined) return <span className="quiet" title="NULL">∅<span className="sr">null</span></span>
  if (typeof value === 'number') return <span title={String(value)}>{figure(value)}</span>
  const text = typeof value === 'object' ? JSON.stringify(value) : plain(value)
  if (name === 'trace_id') return <Link to="/traces/$traceId" params={{ traceId: text }}><code>{text.slice(0, 12)}…</code></Link>
  return <span title={text.length > LONGEST ? text.slice(0, 2000) : undefined}><Scrubbed text={text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text} /></span>
}

/** Six digits that say something: a cost of 0.0000001 is not 0. */
function figure(value: number): string {
  const size = Math.abs(value)
  if (size >= 1 || size === 0) return value.toLocaleString('en-GB', { maximumFractionDigits: 6 })
  return size >= 1e-9 ? value.toLocaleString('en-GB', { maximumSignificantDigits: 6 }) : String(Number(value.toPrecision(6)))
}
