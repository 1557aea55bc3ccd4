import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { releaseNames } from '@/api/queries'
import { type PromptDiff, promptDiff } from '@/api/tracing'
import { capital } from '@/lib/format'
import { Loaded } from '@/parts/states'
import { Fold, Words } from '@/parts/text'

/** The prompt that made the call, and what changed in it from the version before: one click. */
export function PromptChange({ name, version }: { name: string; version: string | null }) {
  const number = Number(version)
  if (!Number.isInteger(number) || number < 2) return null
  return (
    <Fold title={<span className="second">Prompt {name} v{number}: what changed from v{number - 1}</span>}>
      <Diff name={name} version={number} />
    </Fold>
  )
}

/** The way to what changed in a release from the version before it. */
export function ReleaseChange({ id }: { id: string }) {
  const all = useQuery(releaseNames).data?.items ?? []
  const release = all.find((one) => one.id === id)
  const earlier = all.filter((one) => release && one.name === release.name && one.version < release.version)
  const before = earlier.reduce<(typeof all)[number] | undefined>((last, one) => (last && last.version > one.version ? last : one), undefined)
  if (!before) return null
  return <span className="small">· <Link to="/releases/$releaseId" params={{ releaseId: id }} search={{ against: before.id }}>diff to v{before.version}</Link></span>
}

function Diff({ name, version }: { name: string; version: number }) {
  const diff = useQuery(promptDiff(`${name}@${version - 1}`, `${name}@${version}`))
  return <Loaded query={diff} lines={3}>{(found) => <Changed diff={found} />}</Loaded>
}

function Changed({ diff }: { diff: PromptDiff }) {
  const changed = diff.messages.filter((message) => message.words.some((word) => word.op !== 'equal'))
  if (changed.length === 0) return <p className="quiet">The messages are the same; the model, parameters or schema differ.</p>
  return changed.map((message) => (
    <div key={message.part} className="change">
      <div className="part">{capital(message.role)}</div>
      <Words words={message.words} />
    </div>
  ))
}
