import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import * as ask from '@/api/queries'
import type { Dataset, DatasetItem } from '@/api/types'
import { count, plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { headline, plain } from '@/lib/text'
import { Snippet } from '@/parts/copy'
import { Listed, More, usePages } from '@/parts/list'
import { Json } from '@/parts/json'
import { Facts, Page, Section } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { Scrubbed } from '@/parts/scrubbed'
import { Fold, Text } from '@/parts/text'
import { Person, Time } from '@/parts/values'

export function Datasets() {
  const pages = usePages<Dataset>(ask.datasets())
  return (
    <Page title="Datasets">
      <Listed pages={pages} empty={<NoDataset />}>
        {(rows) => <Table label="Datasets" rows={rows} columns={COLUMNS} rowKey={(row) => row.id} href={(row) => `/datasets/${encodeURIComponent(row.name)}`} footer={<More pages={pages} noun="dataset" />} />}
      </Listed>
    </Page>
  )
}

const COLUMNS: Column<Dataset>[] = [
  { id: 'name', head: 'Dataset', className: 'nowrap', cell: (row) => <Link to="/datasets/$name" params={{ name: row.name }} style={{ color: 'var(--ink)', fontWeight: 550 }}>{row.name}</Link> },
  { id: 'version', head: 'Version', className: 'num', cell: (row) => row.version },
  { id: 'items', head: 'Items', className: 'num', cell: (row) => count(row.items) },
  { id: 'description', head: 'For', className: 'main-cell hide-s', cell: (row) => <div className="cut second">{row.description}</div> },
  { id: 'hash', head: 'Content', className: 'hide-m', cell: (row) => <code title={row.content_hash}>{row.content_hash.slice(7, 15)}</code> },
  { id: 'by', head: 'By', className: 'hide-m', cell: (row) => <Person actor={row.created_by} /> },
  { id: 'created', head: 'Created', className: 'num hide-s', cell: (row) => <Time at={row.created_at} /> },
]

function NoDataset() {
  return (
    <Empty title="No dataset yet">
      <p className="second prose">A dataset is a golden set: questions with what a good answer contains, used to test releases. Each version is identified by its content. Create a file with lines like this one, then run:</p>
      <Snippet text={'{"input": "How long may I return shoes?", "expected": "30 days", "cluster": "returns"}'} />
      <Snippet text="assay dataset import golden items.jsonl" />
    </Empty>
  )
}

export function DatasetPage() {
  const { name } = useParams({ strict: false }) as { name: string }
  const versions = useQuery(ask.dataset(name))
  return (
    <Page title={name} crumbs={<Link to="/datasets">Datasets</Link>}>
      <Loaded query={versions} lines={10}>{(found) => <Opened versions={found} />}</Loaded>
    </Page>
  )
}

function Opened({ versions }: { versions: Dataset[] }) {
  const [address, change] = useAddress()
  const shown = versions.find((one) => String(one.version) === address.version) ?? versions[0]
  if (!shown) return <p className="quiet">This dataset has no version yet.</p>
  const scrubbed = Object.entries(shown.scrubbed ?? {})
  return (
    <>
      <Facts
        rows={[
          ['Version', versions.length > 1 ? <Select size="xs" w={110} aria-label="Version" data={versions.map((one) => ({ value: String(one.version), label: `v${one.version}` }))} value={String(shown.version)} onChange={(version) => change({ version: version ?? undefined })} allowDeselect={false} /> : `v${shown.version}`],
          ['Items', count(shown.items)],
          ['Content', <code title={shown.content_hash}>{shown.content_hash.slice(0, 19)}…</code>],
          ['Created', <Time at={shown.created_at} full />],
          ['By', <Person actor={shown.created_by} />],
          ['Scrubbed', scrubbed.length > 0 && scrubbed.map(([type, n]) => <span key={type}><Scrubbed text={`[${type}]`} pii={[type]} /> {n} </span>)],
        ]}
      />
      <Items dataset={shown} />
    </>
  )
}

function Items({ dataset }: { dataset: Dataset }) {
  const pages = usePages<DatasetItem>(ask.datasetItems(dataset.name, dataset.version))
  return (
    <Section title="Items" note={plural(dataset.items, 'item')}>
      <Listed pages={pages} empty={<p className="quiet">This version has no items.</p>}>
        {(rows) => (
          <>
            {rows.map((item) => <Item key={item.id} item={item} />)}
            <More pages={pages} noun="item" />
          </>
        )}
      </Listed>
    </Section>
  )
}

function Item({ item }: { item: DatasetItem }) {
  const answerable = item.metadata?.answerable
  return (
    <Fold
      title={
        <>
          <span className="cut grow" style={{ fontWeight: 450 }}><Scrubbed text={headline(item.input)} /></span>
          {answerable === false && <span className="tag unsure">unanswerable</span>}
          {item.cluster && <span className="chip hide-s">{item.cluster}</span>}
          <span className="quiet small nowrap hide-s" style={{ fontWeight: 400 }}>{item.id}</span>
        </>
      }
    >
      <div className="stack" style={{ paddingLeft: '1.2rem' }}>
        <div className="sides">
          <div><h3>Input</h3><Text text={plain(item.input)} /></div>
          <div><h3>Expected</h3>{item.expected === null || item.expected === undefined ? <span className="unknown">not said</span> : <Text text={plain(item.expected)} />}</div>
        </div>
        {item.contexts && item.contexts.length > 0 && <div><h3>Contexts</h3><Json value={item.contexts} /></div>}
        {item.metadata && Object.keys(item.metadata).length > 0 && <div><h3>Metadata</h3><Json value={item.metadata} /></div>}
      </div>
    </Fold>
  )
}
