import type { Removed, RetentionRule } from '@/api/keeping'
import { count, plural, words } from './format'

/** What is kept, in words. */

type Part = 'metadata_days' | 'text_days' | 'scores_days' | 'runs_days'

export const PARTS: [Part, string][] = [['metadata_days', 'Spans'], ['text_days', 'Their text'], ['scores_days', 'Scores'], ['runs_days', 'Answers of runs']]

const days = (n: number | null | undefined) => (n === null || n === undefined ? 'for ever' : plural(n, 'day'))

/** Where it begins the sentence, there is nothing before it that it could be the text of. */
const FIRST: Partial<Record<Part, string>> = { text_days: 'The text of spans is' }

/** One sentence for the rules in force. */
export function keptFor(rules: RetentionRule[]): string {
  if (rules.length === 0) return 'Everything is kept: no rule deletes anything.'
  const whole = rules.find((rule) => rule.environment === null)
  const parts = PARTS.filter(([part]) => typeof whole?.[part] === 'number')
  const said = parts.map(([part, label], i) => (i === 0 ? `${FIRST[part] ?? `${label} are`} kept ${days(whole![part])}` : `${label.toLowerCase()} ${days(whole![part])}`))
  const others = rules.filter((rule) => rule.environment !== null).map((rule) => rule.environment)
  const rest = others.length ? ` ${others.join(' and ')} ${others.length === 1 ? 'has a rule of its own' : 'have rules of their own'}.` : ''
  return `${said.length ? `${said.join(', ')}; everything else is kept.` : 'Everything is kept.'}${rest}`
}

/** From one set of rules to another, a line a change. */
export function changesOf(before: RetentionRule[], after: RetentionRule[]): string[] {
  const places = [...new Set([...before, ...after].map((rule) => rule.environment))]
  return places.flatMap((place) => {
    const [old, now] = [before, after].map((rules) => rules.find((rule) => rule.environment === place))
    const of = place === null ? '' : ` of ${place}`
    if (place !== null && !now) return [`The rule${of} is removed: the project’s rule applies there.`]
    return PARTS.filter(([part]) => (old?.[part] ?? null) !== (now?.[part] ?? null)).map(([part, label]) => `${label}${of}: kept ${days(now?.[part])} instead of ${days(old?.[part])}.`)
  })
}

/** Why a change of rules cannot be looked at yet; null when it can. */
export function unfinished(rules: RetentionRule[]): string | null {
  const places = rules.flatMap((rule) => (rule.environment === null ? [] : [rule.environment.trim()]))
  if (places.includes('')) return 'Each additional rule needs an environment.'
  const twice = places.find((place, i) => places.indexOf(place) !== i)
  return twice === undefined ? null : `Two rules are for the environment ${twice}.`
}

const COUNTED: [string, string][] = [['spans', 'span'], ['texts', 'text'], ['log_records', 'log record'], ['log_texts', 'text of log records'], ['scores', 'score'], ['score_texts', 'text of scores'], ['run_items', 'answer of a run'], ['partial_spans', 'span in pieces'], ['media', 'media file'], ['remembered_answers', 'remembered answer'], ['findings', 'finding of monitors']]
/** Not things that go by themselves: a trace is its spans, the others are times. */
const BESIDE = new Set(['traces', 'oldest', 'as_of'])
const MANY: Record<string, string> = { log_texts: 'texts of log records', score_texts: 'texts of scores', run_items: 'answers of runs', partial_spans: 'spans in pieces', findings: 'findings of monitors' }

/** `12,400 spans, 310,000 texts`; counts nobody has a word for are named as they are. */
export function removedIn(removed: Removed): string {
  const known = COUNTED.filter(([name]) => Number(removed[name] ?? 0) > 0).map(([name, one]) => plural(Number(removed[name]), one, MANY[name]))
  const named = new Set([...COUNTED.map(([name]) => name), ...BESIDE])
  const others = Object.entries(removed).filter(([name, n]) => !named.has(name) && Number(n) > 0).map(([name, n]) => `${count(Number(n))} ${words(name)}`)
  return [...known, ...others].join(', ') || 'nothing'
}
