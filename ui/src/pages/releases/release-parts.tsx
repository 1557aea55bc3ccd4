import type { PromptVersion, Release } from '@/api/types'
import { plain } from '@/lib/text'
import { Json } from '@/parts/json'
import { Facts } from '@/parts/page'
import { Fold, Text } from '@/parts/text'
import { Time } from '@/parts/values'

/** Everything a release pins, from the prompt's words to the index its retrieval reads. */
export function ReleaseContents({ release }: { release: Release }) {
  const retrieval = release.retrieval_config
  return (
    <div className="stack">
      <Facts
        list
        rows={[
          ['Model', <code>{release.model}</code>],
          ['Parameters', inline(release.parameters)],
          ['Retrieval', retrieval && <>{retrieval.name} v{retrieval.version}: top {retrieval.top_k}, {retrieval.embedding_model}{retrieval.threshold !== null && `, threshold ${retrieval.threshold}`}</>],
          ['Index', retrieval?.index_version && <>{retrieval.index_version}{retrieval.index_built_at && <>, built <Time at={retrieval.index_built_at} /></>}</>],
          ['Guard policy', release.guard_policy ? plain(release.guard_policy) : null],
          ['Code', release.code_ref && <code>{release.code_ref}</code>],
          ['Content', <code title={release.content_hash}>{release.content_hash.slice(0, 19)}…</code>],
        ]}
      />
      {Object.entries(release.prompts).map(([role, prompt]) => <Prompt key={role} role={role} prompt={prompt} />)}
      {release.output_schema && <Fold title="Output schema"><Json value={release.output_schema} /></Fold>}
    </div>
  )
}

function Prompt({ role, prompt }: { role: string; prompt: PromptVersion }) {
  const { system, user, messages } = prompt.template
  const said: [string, string][] = [
    ...(system ? [['system', system] as [string, string]] : []),
    ...(user ? [['user', user] as [string, string]] : []),
    ...(messages ?? []).map((message): [string, string] => [message.role, message.content]),
  ]
  return (
    <Fold open title={<>Prompt {role} <span className="quiet small" style={{ fontWeight: 400 }}>{prompt.name} v{prompt.version}{prompt.variables.length > 0 && ` · ${prompt.variables.map((name) => `{${name}}`).join(' ')}`}</span></>}>
      <div className="chat">
        {said.map(([who, text], i) => (
          <article key={i} className="said" data-role={who}>
            <header style={{ textTransform: 'capitalize' }}>{who}</header>
            <Text text={text} />
          </article>
        ))}
      </div>
    </Fold>
  )
}

function inline(parameters: Release['parameters']) {
  const entries = Object.entries(parameters ?? {})
  return entries.length === 0 ? null : entries.map(([name, value]) => `${name} ${plain(value)}`).join(', ')
}
