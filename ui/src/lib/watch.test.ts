import { describe, expect, it } from 'vitest'
import { inUnit, metricName, ruleName, spanName } from './watch'

describe('a monitor in words', () => {
  it('names its metric and its rule', () => {
    expect(metricName({ name: 'latency', quantile: 0.95 })).toBe('p95 latency')
    expect(metricName({ name: 'cost_per_request' })).toBe('cost per request')
    expect(ruleName({ kind: 'threshold', above: 0.05 })).toBe('above 0.050')
    expect(ruleName({ kind: 'change', change: 0.2, direction: 'up' })).toBe('20 % above what is usual')
    expect(ruleName({ kind: 'missing' })).toBe('fewer than 1')
  })

  it('writes windows in the largest whole unit and values in their own', () => {
    expect([900, 86_400, 90, 7200].map(spanName)).toEqual(['15 minutes', '1 day', '90 seconds', '2 hours'])
    expect([inUnit(0.031, 'share'), inUnit(1200, 'ms'), inUnit(2, 'USD'), inUnit(null, 'ms')]).toEqual(['3.1 %', '1.20 s', '$2.00', 'unknown'])
  })
})
