import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { IconSearch } from '@tabler/icons-react'
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { Problem } from '@/api/client'
import * as ask from '@/api/queries'
import { parsed as readLine, values } from '@/api/search'
import { useKeys } from '@/lib/keys'
import { partsOf, quoted, typedAt, type Typed } from '@/lib/q'
import { releaseName } from './links'

interface Suggestion {
  insert: string
  label: string
  hint: string
  /** A value ends its part; a field waits for one. */
  ends: boolean
}

const FIELDS: [string, string][] = [
  ['status:', 'ok, error, unset'], ['model:', 'of any call'], ['user:', 'whose request'], ['session:', 'a conversation'], ['name:', 'of a span'],
  ['latency>', 'latency>2s'], ['cost>', 'cost>0.01, dollars'], ['tokens>', 'tokens>10k, in and out'], ['score.', 'score.user_feedback<0.5, score.comment~slow'], ['attr.', 'attr.http.route:/chat'], ['kind:', 'llm, tool, agent…'],
  ['tag:', 'any tag'], ['release:', 'that answered'], ['channel:', 'production…'], ['environment:', 'as it was sent'], ['service:', 'that sent it'],
  ['tenant:', 'who is charged'], ['feature:', 'what it was for'], ['cost_center:', 'who pays'],
  ['provider:', 'of the model'], ['arm:', 'baseline, candidate'], ['run:', 'of an evaluation'], ['prompt:', 'that was asked with'], ['prompt_version:', 'of that prompt'], ['error_type:', 'of a span that failed'], ['endpoint:', 'that was called'], ['since:', 'since:2d'],
]
const FIXED: Record<string, string[]> = {
  status: ['error', 'ok', 'unset'],
  arm: ['baseline', 'candidate'],
  kind: ['llm', 'agent', 'tool', 'retriever', 'reranker', 'embedding', 'guardrail', 'evaluator', 'chain', 'span'],
  latency: ['500ms', '1s', '2s', '5s', '10s', '1m'],
  cost: ['0.001', '0.01', '0.1', '1'],
  since: ['1h', '1d', '7d', '30d'],
}
const COUNTED = new Set<string>(['model', 'provider', 'user', 'session', 'service', 'name', 'channel', 'environment', 'run', 'tag', 'feature', 'tenant', 'cost_center', 'prompt', 'error_type'])
/** Not where a window has a time of its own. */
const TIMES = new Set(['since:'])
const SHOWN = 9

interface SearchLineProps {
  q: string
  onSearch: (q: string) => void
  problem?: string
  label?: string
  /** As a field of a form: what is typed holds when one leaves it, and no key leads to it. */
  field?: boolean
}

/** One line for every filter and for words; Enter searches. Fields and values are offered while one types. */
export function SearchLine({ q, onSearch, problem, label = 'Search traces', field: ofForm = false }: SearchLineProps) {
  const [typed, setTyped] = useState(q)
  const [cursor, setCursor] = useState(q.length)
  const [opened, open] = useState(false)
  const [index, setIndex] = useState(-1)
  const field = useRef<HTMLInputElement>(null)
  const list = useId()
  useEffect(() => setTyped((old) => (old.trim() === q ? old : q)), [q]) // a space at the end stays, for what is typed next
  useKeys(ofForm ? [] : [{ keys: '/', does: 'Search', run: () => field.current?.focus() }])
  const place = typedAt(typed, cursor)
  const offered = useSuggestions(place, opened).filter((one) => !ofForm || !TIMES.has(one.label))

  const search = (text: string) => {
    open(false)
    setIndex(-1)
    setTyped(text)
    onSearch(text.trim())
  }
  const take = (one: Suggestion) => {
    const before = typed.slice(0, place.from) + one.insert
    const goesOn = typed[place.to] === ',' // with another value of the same field
    const text = before + (one.ends && !goesOn ? ' ' : '') + typed.slice(place.to).trimStart()
    setIndex(-1)
    setTyped(text)
    const end = before.length + (one.ends ? 1 : 0)
    requestAnimationFrame(() => {
      field.current?.focus()
      field.current?.setSelectionRange(end, end)
      setCursor(end)
    })
    if (one.ends) search(text)
  }
  const press = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Escape') {
      if (opened) open(false)
      else field.current?.blur()
    } else if (event.key === 'Enter') {
      event.preventDefault()
      if (opened && offered[index]) take(offered[index])
      else search(typed)
    } else if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && offered.length) {
      event.preventDefault()
      open(true)
      const step = event.key === 'ArrowDown' ? 1 : -1
      setIndex((index + step + offered.length + (index < 0 && step < 0 ? 1 : 0)) % offered.length)
    }
  }
  const shown = opened && offered.length > 0
  const leave = () => {
    open(false)
    if (ofForm && typed.trim() !== q) onSearch(typed.trim())
  }
  return (
    <div className="search-line" onBlur={(event) => !event.currentTarget.contains(event.relatedTarget) && leave()}>
      <TextInput
        ref={field}
        placeholder='status:error -model:gpt-4o latency>2s "late delivery"'
        aria-label={label}
        role="combobox"
        aria-expanded={shown}
        aria-controls={list}
        aria-autocomplete="list"
        data-mantine-stop-propagation={shown} // Escape closes what is offered, not the dialog around it
        aria-activedescendant={shown && index >= 0 ? `${list}-${index}` : undefined}
        autoComplete="off"
        spellCheck={false}
        leftSection={<IconSearch size={14} aria-hidden />}
        rightSection={!typed && !ofForm && <kbd aria-hidden>/</kbd>}
        value={typed}
        error={problem}
        onFocus={() => open(true)}
        onClick={() => open(true)}
        onSelect={(event) => setCursor(event.currentTarget.selectionStart ?? 0)}
        onChange={(event) => {
          setTyped(event.currentTarget.value)
          setCursor(event.currentTarget.selectionStart ?? event.currentTarget.value.length)
          setIndex(-1)
          open(true)
        }}
        onKeyDown={press}
      />
      <ul className="offers" id={list} role="listbox" aria-label="Suggestions" hidden={!shown}>
        {shown &&
          offered.map((one, i) => (
            <li key={one.insert} id={`${list}-${i}`} role="option" aria-selected={i === index} onMouseDown={(event) => event.preventDefault()} onMouseMove={() => setIndex(i)} onClick={() => take(one)}>
              <code className="cut">{one.label}</code>
              <span className="hint cut">{one.hint}</span>
            </li>
          ))}
      </ul>
    </div>
  )
}

function useSuggestions(place: Typed, opened: boolean): Suggestion[] {
  const counted = place.field !== null ? (COUNTED.has(place.field) ? place.field : null) : /^score\./.test(place.text) ? 'score' : /^attr\./.test(place.text) ? 'attribute' : null
  const facets = useQuery({ ...values(counted ?? ''), enabled: opened && counted !== null })
  const releases = useQuery({ ...ask.releaseNames, enabled: opened && place.field === 'release' })
  if (place.field === null) return [...keysOf(place.text, facets.data?.items ?? []), ...fieldsLike(place.text)].slice(0, SHOWN)
  if (place.field === 'release') {
    const all = (releases.data?.items ?? []).map((one) => ({ insert: one.id, label: releaseName(one), hint: 'release', ends: true }))
    return all.filter((one) => like(`${one.label} ${one.insert}`, place.text)).slice(0, SHOWN)
  }
  const known = FIXED[place.field]?.map((value) => ({ value, n: undefined })) ?? (counted ? facets.data?.items : undefined) ?? []
  return known
    .filter((one) => like(one.value, place.text))
    .slice(0, SHOWN)
    .map((one) => ({ insert: quoted(one.value), label: one.value, hint: one.n === undefined ? '' : `${one.n.toLocaleString('en-GB')} seen`, ends: true }))
}

function fieldsLike(text: string): Suggestion[] {
  const known = FIELDS.filter(([field]) => field.startsWith(text.toLowerCase()) && field !== text)
  return known.map(([field, hint]) => ({ insert: field, label: field, hint, ends: false }))
}

/** Names of scores and keys of attributes, behind their prefix. */
function keysOf(text: string, found: { value: string; n: number }[]): Suggestion[] {
  const prefix = text.slice(0, text.indexOf('.') + 1)
  if (prefix !== 'score.' && prefix !== 'attr.') return []
  const end = prefix === 'score.' ? '<' : ':'
  return found
    .filter((one) => like(one.value, text.slice(prefix.length)))
    .map((one) => ({ insert: prefix + one.value + end, label: prefix + one.value, hint: `${one.n.toLocaleString('en-GB')} seen`, ends: false }))
}

const like = (value: string, text: string) => value.toLowerCase().includes(text.toLowerCase())

/** A line that cannot be read is told at the line, not in place of the list. */
export function misreadOf(error: unknown, parameter = 'q'): string | undefined {
  if (!(error instanceof Problem) || error.document.field !== parameter) return undefined
  const { detail, fix } = error.document
  return fix ? `${detail} Fix: ${fix}` : detail
}

/** Why nothing can be narrowed by a line where the page has times of its own: told once, at the line. */
export function useMisread(line: string): string | undefined {
  const parsed = useQuery({ ...readLine(line), enabled: line !== '' })
  const timed = partsOf(line).find((part) => part.field === 'since' || part.field === 'until')
  if (line && timed) return `This page has its own time range. Remove ${timed.text}.`
  return line ? misreadOf(parsed.error) : undefined
}
