import type { Finding, Metric, Rule } from '@/api/monitors'
import { count, duration, money, plural, score, UNKNOWN, words } from './format'
import { portion } from './money'

/** Monitors in words. */

/** `{latency, 0.95}` → `p95 latency` */
export function metricName(metric: Metric): string {
  if (metric.name === 'score') return `mean ${words(metric.score ?? 'score')}`
  if (metric.name === 'latency' && metric.quantile !== undefined) return `p${Number((metric.quantile * 100).toFixed(2))} latency`
  if (metric.name === 'slow_rate') return `share slower than ${duration(metric.threshold_ms)}`
  return words(metric.name)
}

export function ruleName(rule: Rule): string {
  if (rule.kind === 'threshold') return [rule.above !== undefined && `above ${score(rule.above)}`, rule.below !== undefined && `below ${score(rule.below)}`].filter(Boolean).join(' or ')
  if (rule.kind === 'missing') return `fewer than ${count(rule.min_count ?? 1)}`
  if (rule.kind === 'burn') return `spends the error budget of ${portion(rule.objective)} too fast`
  const way = rule.direction === 'up' ? 'above' : rule.direction === 'down' ? 'below' : 'away from'
  return `${portion(rule.change)} ${way} what is usual`
}

const SPANS: [number, string][] = [[86_400, 'day'], [3600, 'hour'], [60, 'minute']]

/** `900` → `15 minutes` */
export function spanName(seconds: number): string {
  for (const [size, name] of SPANS) if (seconds >= size && seconds % size === 0) return plural(seconds / size, name)
  return plural(seconds, 'second')
}

export function inUnit(value: number | null, unit: Finding['unit']): string {
  if (value === null) return UNKNOWN
  if (unit === 'share') return portion(value)
  if (unit === 'ms') return duration(value)
  if (unit === 'USD') return money(value)
  if (unit === 'tokens') return `${count(Math.round(value))} tokens`
  return score(value)
}
