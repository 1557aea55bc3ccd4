import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Channel, ChannelEvent, Release } from '@/api/types'
import { shortId } from '@/lib/format'
import { ReasonDialog } from '@/parts/dialog'
import { ReleaseChanges } from '@/parts/diff'
import { releaseName } from '@/parts/links'
import { VerdictTag } from '@/parts/status'
import { Person, Time } from '@/parts/values'

interface PromoteProps {
  channel: Channel
  opened: boolean
  wanted?: string
  onClose: () => void
}

/** Shows what the next request would get instead of what it gets now, and whether the gate lets it. */
export function PromoteDialog({ channel, opened, wanted, onClose }: PromoteProps) {
  const names = useQuery(ask.releaseNames)
  const [picked, setPicked] = useState<string | null>(null)
  const choice = picked ?? wanted ?? null
  const candidates = (names.data?.items ?? []).filter((one) => one.id !== channel.release?.id)
  const release = candidates.find((one) => one.id === choice)
  return (
    <ReasonDialog
      opened={opened}
      onClose={onClose}
      title={`Promote a release to ${channel.name}`}
      action={release ? `Promote ${releaseName(release)}` : 'Promote'}
      done={release ? `${releaseName(release)} is live on ${channel.name}.` : ''}
      disabled={!release}
      send={(reason) => post(`/channels/${encodeURIComponent(channel.name)}/promote`, { release: choice, reason }, channel.revision)}
    >
      <Select
        label="Release"
        placeholder="Choose one"
        searchable
        data={candidates.map((one) => ({ value: one.id, label: `${releaseName(one)}${newest(one) ? `, gate: ${newest(one)}` : ', no verdict yet'}` }))}
        value={choice}
        onChange={setPicked}
      />
      {release && <GateNote release={release} />}
      {release && (channel.release ? <WhatChanges from={channel.release} to={release} /> : <p>Nothing is live on {channel.name} yet. Requests for it will start to be answered.</p>)}
    </ReasonDialog>
  )
}

interface RollbackProps {
  channel: Channel
  earlier: { id: string; event: ChannelEvent }[]
  opened: boolean
  onClose: () => void
}

/** Shows which release comes back and what that undoes. */
export function RollbackDialog({ channel, earlier, opened, onClose }: RollbackProps) {
  const names = useQuery(ask.releaseNames)
  const [to, setTo] = useState(earlier[0]!.id)
  const named = (id: string) => {
    const found = names.data?.items.find((one) => one.id === id)
    return found ? releaseName(found) : shortId(id)
  }
  return (
    <ReasonDialog
      opened={opened}
      onClose={onClose}
      title={`Roll back ${channel.name}`}
      action={`Roll back to ${named(to)}`}
      danger
      done={`${channel.name} is back on ${named(to)}.`}
      send={(reason) => post(`/channels/${encodeURIComponent(channel.name)}/rollback`, { reason, to }, channel.revision)}
    >
      <p>
        The next request will get <strong>{named(to)}</strong> again{channel.release && <> instead of <strong>{releaseName(channel.release)}</strong></>}.
        {channel.canary?.status === 'running' && ' The running canary ends.'} Everyone on {channel.name} is affected; nothing is deleted.
      </p>
      {earlier.length > 1 && (
        <Select label="Back to" data={earlier.map((one) => ({ value: one.id, label: named(one.id) }))} value={to} onChange={(value) => value && setTo(value)} allowDeselect={false} />
      )}
      {channel.since && (
        <p className="second">What this undoes: {channel.reason ? `“${channel.reason}”, ` : 'the change '}made <Time at={channel.since} /> by <Person actor={channel.by} /></p>
      )}
      {channel.release && <ReleaseChanges from={channel.release.id} to={to} />}
    </ReasonDialog>
  )
}

function WhatChanges({ from, to }: { from: Release; to: Release }) {
  return (
    <div>
      <h3>What changes, from {releaseName(from)} to {releaseName(to)}</h3>
      <ReleaseChanges from={from.id} to={to.id} />
    </div>
  )
}

function GateNote({ release }: { release: Release }) {
  const verdict = release.verdicts[0]
  if (!verdict) {
    return <div className="notice unsure">This release has no verdict yet. Channels that require a gate will refuse it. Run it on a dataset and request a verdict first.</div>
  }
  return (
    <div className={`notice ${verdict.verdict === 'pass' ? 'good' : verdict.verdict === 'fail' ? 'bad' : 'unsure'}`}>
      <div className="line tight"><VerdictTag verdict={verdict.verdict} /> <span>{verdict.sentence}</span></div>
    </div>
  )
}

const newest = (release: Release) => release.verdicts[0]?.verdict
