import { Button, Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import * as ask from '@/api/queries'
import type { Release } from '@/api/types'
import { useAddress } from '@/lib/search'
import { Snippet } from '@/parts/copy'
import { ReleaseChanges } from '@/parts/diff'
import { Listed, More, usePages } from '@/parts/list'
import { releaseName } from '@/parts/links'
import { Facts, Page, Section } from '@/parts/page'
import { Empty, Loaded } from '@/parts/states'
import { VerdictTag } from '@/parts/status'
import { type Column, Table } from '@/parts/table'
import { Person, Time } from '@/parts/values'
import { VerdictCard } from '@/parts/verdict'
import { useAccess } from '@/shell/access'
import { ReleaseContents } from './release-parts'

export function Releases() {
  const pages = usePages<Release>(ask.releases())
  return (
    <Page title="Releases">
      <Listed pages={pages} empty={<NoRelease />}>
        {(rows) => <Table label="Releases, newest first" rows={rows} columns={COLUMNS} rowKey={(row) => row.id} href={(row) => `/releases/${row.id}`} footer={<More pages={pages} noun="release" />} />}
      </Listed>
    </Page>
  )
}

const COLUMNS: Column<Release>[] = [
  { id: 'name', head: 'Release', className: 'nowrap', cell: (row) => <Link to="/releases/$releaseId" params={{ releaseId: row.id }} style={{ color: 'var(--ink)', fontWeight: 550 }}>{releaseName(row)}</Link> },
  { id: 'live', head: 'Live on', className: 'nowrap', cell: (row) => <LiveOn release={row} /> },
  { id: 'gate', head: 'Newest verdict', className: 'nowrap', cell: (row) => (row.verdicts[0] ? <VerdictTag verdict={row.verdicts[0].verdict} /> : <span className="quiet">not judged</span>) },
  { id: 'changelog', head: 'Changelog', className: 'main-cell hide-s', cell: (row) => <div className="cut second">{row.changelog}</div> },
  { id: 'model', head: 'Model', className: 'hide-m nowrap', cell: (row) => row.model },
  { id: 'by', head: 'By', className: 'hide-l', cell: (row) => <Person actor={row.created_by} /> },
  { id: 'created', head: 'Created', className: 'num hide-s', cell: (row) => <Time at={row.created_at} /> },
]

function LiveOn({ release }: { release: Release }) {
  if (release.live_on.length === 0) return <span className="quiet">nowhere</span>
  return (
    <span className="line tight">
      {release.live_on.map((name) => <Link key={name} to="/channels/$name" params={{ name }} className="tag good">{name}</Link>)}
    </span>
  )
}

function NoRelease() {
  return (
    <Empty title="A release is everything that ships together: prompts, model, parameters, retrieval, guards and code. It never changes">
      <Snippet text={'assay prompt push prompts/answer.yaml\nassay release create support --prompt answer=answer@1 --model local/extractive-2026-11-01'} />
    </Empty>
  )
}

export function ReleasePage() {
  const { releaseId } = useParams({ strict: false }) as { releaseId: string }
  const release = useQuery(ask.release(releaseId))
  const channels = useQuery(ask.channels)
  const access = useAccess()
  const found = release.data
  const target = channels.data?.items[0]?.name
  return (
    <Page
      title={found ? releaseName(found) : 'Release'}
      crumbs={<Link to="/releases">Releases</Link>}
      heading={<span className="line">{found ? releaseName(found) : 'Release'} {found && found.live_on.length > 0 && <span style={{ fontSize: 'var(--t-m)' }}><LiveOn release={found} /></span>}</span>}
      actions={
        found && target && access.write && (
          <Link to="/channels/$name" params={{ name: target }} search={{ do: 'promote', release: found.id }}>
            <Button component="span" variant="default">Promote to {target}…</Button>
          </Link>
        )
      }
    >
      <Loaded query={release} lines={10}>{(one) => <Opened release={one} />}</Loaded>
    </Page>
  )
}

function Opened({ release }: { release: Release }) {
  return (
    <>
      {release.changelog && <p className="lead">{release.changelog}</p>}
      <Facts rows={[['Created', <Time at={release.created_at} full />], ['By', <Person actor={release.created_by} />], ['Live on', <LiveOn release={release} />], ['Traces', <Link to="/traces" search={{ release: release.id }}>made by it</Link>]]} />
      <Section title="Against another release"><Against release={release} /></Section>
      <div className="columns">
        <Section title="Contents"><ReleaseContents release={release} /></Section>
        <Section title="Verdicts" note="newest first">
          {release.verdicts.length === 0 && <NotJudged release={release} />}
          {release.verdicts.map((verdict) => <VerdictCard key={verdict.id} verdict={verdict} />)}
        </Section>
      </div>
    </>
  )
}

function NotJudged({ release }: { release: Release }) {
  return (
    <div className="stack">
      <p className="second">This release has no verdict yet, so channels that require a gate will refuse it.</p>
      <Snippet text={`assay run golden --release ${release.name}@${release.version} --suite support --wait`} />
    </div>
  )
}

/** The comparison is in the address; by default with what is live, or the version before. */
function Against({ release }: { release: Release }) {
  const [address, change] = useAddress()
  const names = useQuery(ask.releaseNames)
  const others = (names.data?.items ?? []).filter((one) => one.id !== release.id)
  const usual = others.find((one) => one.live_on.includes('production')) ?? others.find((one) => one.live_on.length > 0) ?? others.find((one) => one.name === release.name && one.version < release.version)
  const against = address.against ?? usual?.id
  if (others.length === 0) return <p className="quiet">There is no other release to compare with yet.</p>
  return (
    <div className="stack">
      <Select
        aria-label="Compare with"
        size="xs"
        w={280}
        data={others.map((one) => ({ value: one.id, label: `from ${releaseName(one)}${one.live_on.length ? ` (live on ${one.live_on.join(', ')})` : ''}` }))}
        value={against ?? null}
        onChange={(value) => change({ against: value ?? undefined }, true)}
      />
      {against && <ReleaseChanges from={against} to={release.id} />}
    </div>
  )
}
