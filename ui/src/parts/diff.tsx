import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'
import type { Change } from '@/api/types'
import { plain, wordDiff } from '@/lib/text'
import { Loaded } from './states'
import { Words } from './text'

const NAMES: Record<string, string> = {
  prompts: 'Prompt',
  model: 'Model',
  parameters: 'Parameter',
  output_schema: 'Output schema',
  retrieval_config: 'Retrieval',
  guard_policy: 'Guard policy',
  code_ref: 'Code',
  changelog: 'Changelog',
}

/** `prompts.answer.system` → `Prompt answer, system` */
export function partName(part: string): string {
  const [area, ...rest] = part.split('.')
  const name = NAMES[area!] ?? area!.replaceAll('_', ' ')
  if (rest.length === 0) return name
  const [first, ...others] = rest.map((one) => one.replaceAll('_', ' '))
  return others.length ? `${name} ${first}, ${others.join(' ')}` : `${name} ${first}`
}

/** What differs from one release to another: a sentence, then every part in words. */
export function ReleaseChanges({ from, to }: { from: string; to: string }) {
  const diff = useQuery(ask.releaseDiff(from, to))
  return (
    <Loaded query={diff} lines={4}>
      {(found) => (
        <div>
          {found.summary && <p className="prose" style={{ paddingBottom: '0.4rem' }}>{found.summary}</p>}
          {found.changes.length === 0 && <p className="quiet">No differences: both have the same content.</p>}
          <Changes changes={found.changes} />
        </div>
      )}
    </Loaded>
  )
}

export function Changes({ changes }: { changes: Change[] }) {
  return changes.map((change) => <ChangeRow key={change.part} change={change} />)
}

function ChangeRow({ change }: { change: Change }) {
  return (
    <div className="change">
      <div>
        <div className="part">{partName(change.part)}</div>
        <div className="quiet small">{change.kind === 'added' ? 'added' : change.kind === 'removed' ? 'removed' : 'changed'}</div>
      </div>
      <Words words={wordsOf(change)} />
    </div>
  )
}

function wordsOf(change: Change) {
  if (change.words?.length) return change.words
  const from = plain(change.from)
  const to = plain(change.to)
  if (change.kind === 'value' && from && to) return [{ op: 'delete' as const, text: from }, { op: 'equal' as const, text: ' → ' }, { op: 'insert' as const, text: to }]
  return wordDiff(from, to)
}
