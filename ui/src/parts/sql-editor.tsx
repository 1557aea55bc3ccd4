import { autocompletion, type CompletionContext, completionKeymap, completionStatus } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { sql, SQLDialect } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, syntaxHighlighting, syntaxTree } from '@codemirror/language'
import { Annotation, Prec } from '@codemirror/state'
import { EditorView, keymap, tooltips } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useEffect, useRef } from 'react'
import type { Schema } from '@/api/sql'
import { Echoes } from '@/lib/echoes'
import { KEYWORDS, wordsAt } from '@/lib/sql-words'

interface Props {
  label: string
  value: string
  onChange: (value: string) => void
  onRun?: () => void
  schema: Schema | undefined
  /** Is given what writes a text where the cursor stands. */
  onReady?: (insert: (text: string) => void) => void
}

/** A query with its words in colour, and the names of the schema as they are typed. Tab leaves it, as it leaves every field. */
export default function SqlEditor({ label, value, onChange, onRun, schema, onReady }: Props) {
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView | null>(null)
  const echoes = useRef(new Echoes())
  const now = useRef({ onChange, onRun, schema, onReady, value })
  now.current = { onChange, onRun, schema, onReady, value }
  useEffect(() => {
    const run = () => {
      now.current.onRun?.()
      return now.current.onRun !== undefined
    }
    const made = new EditorView({
      parent: host.current!,
      doc: now.current.value,
      extensions: [
        Prec.highest(keymap.of([{ key: 'Ctrl-Enter', run }, { key: 'Cmd-Enter', run }])),
        history(),
        bracketMatching(),
        sql({ dialect: DIALECT }),
        syntaxHighlighting(COLOURS),
        autocompletion({ override: [(context) => complete(context, now.current.schema)], icons: false }),
        keymap.of([...completionKeymap, ...defaultKeymap, ...historyKeymap]),
        tooltips({ position: 'absolute', parent: document.body }),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', autocapitalize: 'off' }),
        // Escape then closes the list of names, and not the dialog around the field.
        EditorView.contentAttributes.of((view): Record<string, string> => (completionStatus(view.state) === 'active' ? { 'data-mantine-stop-propagation': 'true' } : {})),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged || update.transactions.some((each) => each.annotation(GIVEN))) return
          const text = update.state.doc.toString()
          echoes.current.tell(text)
          now.current.onChange(text)
        }),
      ],
    })
    view.current = made
    now.current.onReady?.((text) => {
      made.dispatch(made.state.replaceSelection(text))
      made.focus()
    })
    return () => made.destroy()
  }, [label])
  useEffect(() => {
    const shown = view.current!
    if (echoes.current.has(value) || shown.state.doc.toString() === value) return
    shown.dispatch({ changes: { from: 0, to: shown.state.doc.length, insert: value }, selection: { anchor: value.length }, annotations: GIVEN.of(true) })
  }, [value])
  return <div ref={host} className="sql-editor" />
}

/** A change that came from outside, and is not told there again. */
const GIVEN = Annotation.define<boolean>()

const DIALECT = SQLDialect.define({
  keywords: KEYWORDS.join(' '),
  types: 'varchar integer bigint double timestamp date time boolean json',
})

const COLOURS = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)' },
  { tag: tags.typeName, color: 'var(--k-agent)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--k-tool)' },
  { tag: [tags.lineComment, tags.blockComment], color: 'var(--ink-3)', fontStyle: 'italic' },
])

const NO_NAMES = /String|Comment/

function complete(context: CompletionContext, schema: Schema | undefined) {
  const word = context.matchBefore(/\w*/)
  if (!schema || !word || (word.from === word.to && !context.explicit)) return null
  if (NO_NAMES.test(syntaxTree(context.state).resolveInner(context.pos, -1).name)) return null
  const query = context.state.doc.toString()
  return { from: word.from, options: wordsAt(query.slice(0, word.from), query, schema), validFor: /^\w*$/ }
}
