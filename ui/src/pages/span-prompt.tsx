import { useQuery } from '@tanstack/react-query'
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

function Diff({ name, version }: { name: string; version: number }) {
  const diff = useQuery(promptDiff(`${name}@${version - 1}`, `${name}@${version}`))
  return <Loaded query={diff} lines={3}>{(found) => <Changed diff={found} />}</Loaded>
}

function Changed({ diff }: { diff: PromptDiff }) {
  const changed = diff.messages.filter((message) => message.words.some((word) => word.op !== 'equal'))
  if (changed.length === 0) return <p className="quiet">The messages are the same; model, parameters or schema differ.</p>
  return changed.map((message) => (
    <div key={message.part} className="change">
      <div className="part">{capital(message.role)}</div>
      <Words words={message.words} />
    </div>
  ))
}
