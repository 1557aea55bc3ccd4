import {
  IconAlertTriangle, IconArrowBackUp, IconBolt, IconCheck, IconCircleDashed, IconCircleDot, IconClock, IconDatabaseSearch, IconHandStop,
  IconLink, IconListDetails, IconMessageChatbot, IconPlayerPlay, IconPlayerStop, IconQuestionMark, IconRobot, IconShieldCheck,
  IconSortDescending, IconTool, IconVector, IconX,
} from '@tabler/icons-react'
import type { Outcome, SpanKind, SpanStatus } from '@/api/types'

/** Statuses are a sign, a colour and a word: never colour alone. */

type Tone = 'good' | 'bad' | 'unsure' | 'accent' | 'neutral'
type Icon = typeof IconCheck

const STATUSES: Record<string, [string, Tone, Icon]> = {
  pass: ['Pass', 'good', IconCheck],
  fail: ['Fail', 'bad', IconX],
  inconclusive: ['Inconclusive', 'unsure', IconQuestionMark],
  queued: ['Queued', 'neutral', IconClock],
  running: ['Running', 'accent', IconPlayerPlay],
  done: ['Done', 'good', IconCheck],
  done_but: ['Done, with exceptions', 'unsure', IconCircleDot],
  failed: ['Failed', 'bad', IconX],
  cancelled: ['Cancelled', 'neutral', IconPlayerStop],
  promoted: ['Promoted', 'good', IconCheck],
  rolled_back: ['Rolled back', 'bad', IconArrowBackUp],
  aborted: ['Aborted', 'neutral', IconPlayerStop],
  held: ['Held for a decision', 'unsure', IconHandStop],
  open: ['Open', 'bad', IconAlertTriangle],
  acknowledged: ['Acknowledged', 'unsure', IconCircleDot],
  resolved: ['Resolved', 'good', IconCheck],
  alarm: ['Alerting', 'bad', IconAlertTriangle],
  unknown: ['Too little data', 'neutral', IconQuestionMark],
  off: ['Off', 'neutral', IconPlayerStop],
  waiting: ['Waiting', 'accent', IconClock],
  retrying: ['Trying again', 'unsure', IconClock],
  sent: ['Sent', 'good', IconCheck],
  dropped: ['Not sent', 'neutral', IconPlayerStop],
  ok: ['OK', 'good', IconCheck],
  error: ['Error', 'bad', IconX],
  unset: ['No status', 'neutral', IconCircleDashed],
}

export function StatusTag({ status }: { status: string }) {
  const [label, tone, Sign] = STATUSES[status] ?? [status, 'neutral', IconCircleDot]
  return (
    <span className={`tag ${tone}`}>
      <Sign size={13} stroke={2.2} aria-hidden />
      {label}
    </span>
  )
}

export function VerdictTag({ verdict }: { verdict: Outcome }) {
  return <StatusTag status={verdict} />
}

export function SpanSign({ status }: { status: SpanStatus }) {
  if (status !== 'error') return <span className="sr">{status === 'ok' ? 'ok' : 'no status'}</span>
  return (
    <span className="bad" style={{ display: 'inline-flex' }} title="Error">
      <IconAlertTriangle size={14} stroke={2} aria-label="error" />
    </span>
  )
}

const KINDS: Record<SpanKind, Icon> = {
  llm: IconMessageChatbot,
  agent: IconRobot,
  tool: IconTool,
  retriever: IconDatabaseSearch,
  reranker: IconSortDescending,
  embedding: IconVector,
  guardrail: IconShieldCheck,
  evaluator: IconListDetails,
  chain: IconLink,
  span: IconBolt,
}

export function KindIcon({ kind, size = 15 }: { kind: SpanKind; size?: number }) {
  const Sign = KINDS[kind] ?? IconBolt
  return (
    <span className="kind" data-kind={kind} title={kind}>
      <Sign size={size} stroke={1.8} aria-label={kind} role="img" />
    </span>
  )
}
