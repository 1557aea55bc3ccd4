import type { OfferedTools } from '@/api/types'
import { compact, plural } from '@/lib/format'
import { Json } from '@/parts/json'
import { Section } from '@/parts/page'
import { Scrubbed } from '@/parts/scrubbed'
import { Fold } from '@/parts/text'

const SHORT = 60 // characters of a description that its line shows whole on most screens

/** What the model could have called: folded, since the same tools stand at every call of an agent. */
export function Tools({ tools, pii }: { tools: OfferedTools; pii: string[] }) {
  return (
    <Section title="Tools offered" note={<>{plural(tools.items.length, 'tool')}{tools.tokens !== null && <span title="Its share of the call’s input, by length">, {compact(tools.tokens)} tokens of the prompt</span>}</>}>
      <div>
        {tools.items.map((tool, i) => (
          <Fold key={i} title={<><code className="cut" style={{ flex: 'none', maxWidth: '70%' }} title={tool.name}>{tool.name}</code>{tool.description && <span className="second small cut" style={{ fontWeight: 400 }}><Scrubbed text={tool.description.split('\n')[0] ?? ''} pii={pii} /></span>}</>}>
            {tool.description && (tool.description.length > SHORT || tool.description.includes('\n')) && <p className="text second"><Scrubbed text={tool.description} pii={pii} /></p>}
            {tool.parameters === null ? <p className="quiet">No parameters given.</p> : <Json value={tool.parameters} />}
          </Fold>
        ))}
      </div>
    </Section>
  )
}
