import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/costs'
import { compact, count } from '@/lib/format'
import { portion } from '@/lib/money'
import type { Search } from '@/lib/search'
import { Facts, Section } from '@/parts/page'
import { Said } from '@/parts/said'
import { Empty, Loaded } from '@/parts/states'
import { type Column, Table } from '@/parts/table'
import { saidIn } from '@/lib/messages'
import { Scrubbed } from '@/parts/scrubbed'
import { Money } from '@/parts/values'
import { filtersOf, windowOf } from './parts'

interface Props {
  address: Search
  change: (next: Search) => void
}

/** What would have been saved by keeping answers, by a cheaper model for short calls, by shorter beginnings. */
export default function Savings({ address, change }: Props) {
  const found = useQuery(ask.savings({ ...windowOf(address), cheaper: address.cheaper, ...filtersOf(address) }))
  return (
    <Loaded query={found}>
      {(savings) =>
        savings.calls === 0 ? (
          <Empty title="No model calls in this time range"><p className="second prose">This page shows what an exact cache, a cheaper model for short calls, and shorter or cached prompt prefixes would have saved, computed from your own calls.</p></Empty>
        ) : (
          <div className="stack" style={{ gap: 'var(--gap)' }}>
            <Caching found={savings.caching} />
            <Prefix found={savings.prefix} />
            <Cheaper found={savings.cheaper} model={address.cheaper} onChange={(cheaper) => change({ cheaper })} />
          </div>
        )
      }
    </Loaded>
  )
}

type Repeat = ask.Savings['caching']['top'][number]
type Beginning = ask.Savings['prefix']['groups'][number]

const REPEATS: Column<Repeat>[] = [
  { id: 'what', head: 'Asked again', className: 'main-cell', cell: (row) => <div className="cut second">{row.preview ? <Scrubbed text={saidIn(row.preview)} /> : row.name}</div> },
  { id: 'model', head: 'Model', className: 'hide-m nowrap', cell: (row) => <code>{row.model ?? 'unknown'}</code> },
  { id: 'times', head: 'Times', className: 'num', cell: (row) => count(row.times) },
  { id: 'usd', head: 'Saved', className: 'num', cell: (row) => <Money usd={row.usd} /> },
]

function Caching({ found }: { found: ask.Savings['caching'] }) {
  return (
    <Section title="Keep answers" note={`an exact cache that keeps answers for ${count(found.ttl_s / 60)} minutes`}>
      <p className="prose"><Said text={found.sentence} /></p>
      <Facts rows={[['Saved', <Money key="usd" usd={found.saved.usd} unknown={found.saved.unknown} />], ['Answered from the cache', `${count(found.calls)} calls, ${portion(found.share)}`]]} />
      {found.top.length > 0 && <Table label="Asked again, most expensive first" rows={found.top} columns={REPEATS} rowKey={(row) => `${row.model} ${row.name} ${row.preview} ${row.times} ${row.usd}`} />}
    </Section>
  )
}

const BEGINNINGS: Column<Beginning>[] = [
  { id: 'name', head: 'Call', className: 'main-cell', cell: (row) => <div className="cut">{row.name ?? 'unnamed'}</div> },
  { id: 'model', head: 'Model', className: 'hide-m nowrap', cell: (row) => <code>{row.model ?? 'unknown'}</code> },
  { id: 'calls', head: 'Calls', className: 'num hide-s', cell: (row) => count(row.calls) },
  { id: 'tokens', head: 'Tokens a call', className: 'num hide-s', cell: (row) => compact(row.tokens_per_call) },
  { id: 'share', head: 'Of the input', className: 'num', cell: (row) => portion(row.share) },
  { id: 'usd', head: 'A prefix cache saves', className: 'num', cell: (row) => <Money usd={row.usd} /> },
]

function Prefix({ found }: { found: ask.Savings['prefix'] }) {
  return (
    <Section title="Prompt prefixes that never change" note={found.sampled < found.calls ? `from a sample of ${count(found.sampled)} of ${count(found.calls)} calls` : `from ${count(found.calls)} calls`}>
      <p className="prose"><Said text={found.sentence} /></p>
      <Facts
        rows={[
          ['Saved by the provider’s prefix cache', <Money key="cache" usd={found.saved_by_prefix_cache.usd} unknown={found.saved_by_prefix_cache.unknown} />],
          ['Saved by a 10 % shorter prefix', <Money key="tenth" usd={found.saved_per_tenth.usd} unknown={found.saved_per_tenth.unknown} />],
          ['Tokens', compact(found.tokens)],
        ]}
      />
      {found.groups.length > 0 && <Table label="Prompt prefixes, most expensive first" rows={found.groups} columns={BEGINNINGS} rowKey={(row) => `${row.model} ${row.name}`} />}
    </Section>
  )
}

function Cheaper({ found, model, onChange }: { found: ask.Savings['cheaper']; model: string | undefined; onChange: (model: string | undefined) => void }) {
  return (
    <Section title="A cheaper model for short calls" note="an upper bound; run it on a dataset to see whether its answers are good enough">
      <TextInput
        size="xs"
        maw={320}
        label="Model"
        placeholder="openai/gpt-4o-mini"
        key={model}
        defaultValue={model}
        onBlur={(event) => event.currentTarget.value.trim() !== (model ?? '') && onChange(event.currentTarget.value.trim() || undefined)}
        onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
      />
      {found && (
        <>
          <p className="prose"><Said text={found.sentence} /></p>
          <Facts rows={[[`Calls under ${count(found.under)} tokens`, count(found.calls)], ['They cost', <Money key="now" usd={found.usd_now} />], ['Cost on the cheaper model', <Money key="then" usd={found.usd_then} />], ['Saved', <Money key="saved" usd={found.saved.usd} unknown={found.saved.unknown} />]]} />
        </>
      )}
    </Section>
  )
}
