import type { Policy, SamplingRule, Tail } from '@/api/forwarding'
import { fieldOf, type Held, matchOf, openIn } from './match'

export const MATCHED = ['name', 'kind', 'service', 'environment', 'model', 'provider', 'user', 'session', 'status', 'scope'] as const

/** A rule while it is written. */
export interface RuleDraft extends Omit<SamplingRule, 'match'> {
  held: Held[]
}

/** What a tail begins with. */
export const TAIL: Tail = { share: 0.1, quiet_s: 30, patience_s: 600, errors: true, slower_than_ms: null, slower_than_quantile: 0.95, flagged: true }

export function asPolicy(rules: RuleDraft[], tail: Tail | null): Policy {
  return { rules: rules.map(({ name, held, action, rate }) => ({ name: name.trim(), match: matchOf(held), action, ...(action === 'sample' ? { rate: rate ?? 0 } : {}) })), tail }
}

/** Why rules cannot be tried yet; null when they can. */
export function unfinished(rules: RuleDraft[]): string | null {
  if (rules.some((rule) => !rule.name.trim())) return 'Every rule needs a name.'
  const names = rules.map((rule) => rule.name.trim())
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  const open = rules.map((rule) => openIn(rule.held)).find((field) => field !== undefined)
  if (open !== undefined) return `Give ${fieldOf(open)} a value, or remove the filter. Without it, the rule applies to every span.`
  return twice === undefined ? null : `Two rules have the name ${twice}.`
}
