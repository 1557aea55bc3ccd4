import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'
import type { Document, Span } from '@/api/types'
import { age, changedAt } from '@/lib/documents'
import { exact, score as figure, words } from '@/lib/format'
import { Section } from '@/parts/page'
import { Text } from '@/parts/text'

/** What was retrieved, with its scores, and how old it was at that moment where anybody tells. */
export function Documents({ span, documents }: { span: Span; documents: Document[] }) {
  const found = new Date(span.start)
  return (
    <Section title="Retrieved" note={<>{documents.length} documents, in the retriever’s order <IndexAge span={span} /></>}>
      <ol>
        {documents.map((document, i) => (
          <li key={i} className="document">
            <div className="line">
              <span className="quiet">{i + 1}</span>
              <strong>{document.id ?? 'no id'}</strong>
              <span className="chip"><span className="key">score</span> {figure(document.score)}</span>
              <Age document={document} at={found} />
              {Object.entries(document.metadata ?? {}).filter(([name]) => name !== changedAt(document)?.field).slice(0, 4).map(([name, value]) => (
                <span key={name} className="chip"><span className="key">{words(name)}</span> <span className="cut">{typeof value === 'object' ? JSON.stringify(value) : String(value)}</span></span>
              ))}
            </div>
            {document.content && <div className="prose second"><Text text={document.content} pii={span.pii} /></div>}
          </li>
        ))}
      </ol>
    </Section>
  )
}

function Age({ document, at }: { document: Document; at: Date }) {
  const changed = changedAt(document)
  if (!changed) return <span className="chip quiet" title="Its metadata has no date of last change">age unknown</span>
  const old = age(changed.at, at)
  return <span className="chip" title={exact(changed.at.toISOString())}><span className="key">{words(changed.field)}</span> {old === null ? 'after this call' : `${old} before`}</span>
}

/** When the index was built that was searched: as the span says, else as its release's retrieval config says. */
function IndexAge({ span }: { span: Span }) {
  const told = BUILT.map((name) => span.attributes[name]).find((value): value is string => typeof value === 'string')
  const release = useQuery({ ...ask.release(span.release ?? ''), enabled: !told && Boolean(span.release) })
  const built = told ?? release.data?.retrieval_config?.index_built_at
  if (!built) return null
  const old = age(new Date(built), new Date(span.start))
  return old === null ? null : <strong title={`Built ${exact(built)}`}>· index of {old} before</strong>
}

const BUILT = ['retrieval.index_built_at', 'assay.index_built_at', 'index_built_at']
