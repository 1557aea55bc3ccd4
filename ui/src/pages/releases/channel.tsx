import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { IconArrowBackUp, IconArrowUp, IconCheck, IconGitBranch, IconPlayerPlay, IconPlayerStop, IconStairsUp } from '@tabler/icons-react'
import * as ask from '@/api/queries'
import type { Channel, ChannelEvent } from '@/api/types'
import { earlierReleases, newestFirst } from '@/lib/channels'
import { capital } from '@/lib/format'
import { useAddress } from '@/lib/search'
import { Snippet } from '@/parts/copy'
import { releaseName, ReleaseLink } from '@/parts/links'
import { Facts, Page, Section } from '@/parts/page'
import { ReasonedButton } from '@/parts/reasoned'
import { Loaded } from '@/parts/states'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'
import { CanarySummary } from './canary-parts'
import { PromoteDialog, RollbackDialog } from './channel-dialogs'
import { ReleaseContents } from './release-parts'

export function ChannelPage() {
  const { name } = useParams({ strict: false }) as { name: string }
  const channel = useQuery(ask.channel(name))
  return (
    <Page title={name} crumbs={<Link to="/channels">Channels</Link>} actions={channel.data && <Actions channel={channel.data} />}>
      <Loaded query={channel} lines={10}>{(found) => <Opened channel={found} />}</Loaded>
    </Page>
  )
}

function Actions({ channel }: { channel: Channel }) {
  const [address, change] = useAddress()
  const access = useAccess()
  const earlier = earlierReleases(channel)
  const close = () => change({ do: undefined }, true)
  return (
    <>
      <ReasonedButton variant="default" leftSection={<IconArrowBackUp size={15} aria-hidden />} why={access.why ?? (earlier.length === 0 ? 'Nothing was live here before.' : null)} onClick={() => change({ do: 'rollback' })}>Roll back</ReasonedButton>
      <ReasonedButton leftSection={<IconArrowUp size={15} aria-hidden />} why={access.why} onClick={() => change({ do: 'promote' })}>Promote a release</ReasonedButton>
      {access.write && <PromoteDialog channel={channel} opened={address.do === 'promote'} wanted={address.release} onClose={close} />}
      {access.write && earlier.length > 0 && <RollbackDialog channel={channel} earlier={earlier} opened={address.do === 'rollback'} onClose={close} />}
    </>
  )
}

function Opened({ channel }: { channel: Channel }) {
  const { release, canary } = channel
  return (
    <>
      {release ? (
        <div className="stack" style={{ gap: '0.4rem' }}>
          <p className="lead">
            <strong><ReleaseLink id={release.id} /></strong> is live{canary?.status === 'running' ? ` for ${100 - canary.share} % of units` : ''}, since <Time at={channel.since} />.
          </p>
          <Facts rows={[['Since', <Time at={channel.since} full />], ['By', <Person actor={channel.by} />], ['Why', channel.reason], ['Model', release.model]]} />
        </div>
      ) : (
        <div className="stack">
          <p className="lead">Nothing is live on this channel yet. Requests for it are refused until you promote a release.</p>
          <Snippet text={`assay promote RELEASE --to ${channel.name} --reason "first release"`} />
        </div>
      )}
      {canary && (
        <Section title="Canary" end={<Link to="/canaries/$canaryId" params={{ canaryId: canary.id }}>Open the canary</Link>}>
          <CanarySummary canary={canary} />
        </Section>
      )}
      <div className="columns">
        <Section title="History" note="newest first">
          <History events={newestFirst(channel.history)} />
        </Section>
        {release && <Section title={`Contents of ${releaseName(release)}`}><ReleaseContents release={release} /></Section>}
      </div>
    </>
  )
}

const SIGNS: Record<ChannelEvent['action'], [typeof IconCheck, string]> = {
  promote: [IconArrowUp, 'accent'],
  rollback: [IconArrowBackUp, 'bad'],
  canary_start: [IconPlayerPlay, ''],
  canary_step: [IconStairsUp, ''],
  canary_promote: [IconCheck, 'good'],
  canary_rollback: [IconArrowBackUp, 'bad'],
  canary_abort: [IconPlayerStop, ''],
}

function History({ events }: { events: ChannelEvent[] }) {
  if (events.length === 0) return <p className="quiet">Nothing has happened here yet.</p>
  return (
    <ol className="history">
      {events.map((event) => {
        const [Sign, tone] = SIGNS[event.action] ?? [IconGitBranch, '']
        return (
          <li key={event.id}>
            <span className={`knot ${tone}`}><Sign size={13} stroke={2} aria-hidden /></span>
            <div>
              <div className="line tight">
                <strong>{capital(event.action)}</strong>
                {event.from && event.from !== event.to && <><span className="quiet">from</span> <ReleaseLink id={event.from} /></>}
                {event.to && <><span className="quiet">to</span> <ReleaseLink id={event.to} /></>}
                {event.verdict && <Link to="/verdicts/$verdictId" params={{ verdictId: event.verdict }}>verdict</Link>}
              </div>
              {event.reason && <p className="second">{event.reason}</p>}
              <div className="line tight quiet small"><Time at={event.at} full /> <span>by</span> <Person actor={event.by} /></div>
            </div>
          </li>
        )
      })}
    </ol>
  )
}
