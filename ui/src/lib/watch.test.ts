import { describe, expect, it } from 'vitest'
import type { Finding } from '@/api/monitors'
import { evidence, evidenceOf, evidenceOfEach, inUnit, metricName, overName, ruleName, spanName, tells } from './watch'

describe('a monitor in words', () => {
  it('names its metric and its rule', () => {
    expect(metricName({ name: 'latency', quantile: 0.95 })).toBe('p95 latency')
    expect(metricName({ name: 'cost_per_request' })).toBe('cost per request')
    expect(ruleName({ kind: 'threshold', above: 0.05 }, { name: 'error_rate' })).toBe('above 5 %')
    expect(ruleName({ kind: 'threshold', above: 2000, below: 5 }, { name: 'latency' })).toBe('above 2.00 s or below 5 ms')
    expect(ruleName({ kind: 'change', change: 0.2, direction: 'up' }, { name: 'cost' })).toBe('20 % above baseline')
    expect(ruleName({ kind: 'threshold', above: 1500, below: 0.5 }, { name: 'requests' })).toBe('above 1,500 or below 0.500')
    expect(ruleName({ kind: 'missing' }, { name: 'count' })).toBe('fewer than 1')
  })

  it('says who is told in truth, whatever names it has', () => {
    const [ops, mail] = [{ name: 'ops', enabled: true }, { name: 'mail', enabled: false }]
    expect(tells(null, [ops, mail])).toBe('everybody')
    expect(tells(null, [])).toBe('nobody: no address yet')
    expect(tells(null, [mail])).toBe('nobody: all addresses are turned off')
    expect(tells([], [ops])).toBe('nobody')
    expect(tells(['ops', 'mail'], [ops, mail])).toBe('ops, mail (turned off)')
    expect(tells(['mail'], [ops, mail])).toBe('mail (turned off): nobody is notified')
    expect(tells(['gone'], [ops, mail])).toBe('gone (missing): everyone is notified')
    expect(tells(['gone'], [])).toBe('gone (missing): nobody is notified')
    expect(tells(['gone', 'ops'], [ops])).toBe('gone (missing), ops')
  })

  it('writes windows in the largest whole unit and values in their own', () => {
    expect(overName({ rule: { kind: 'burn', objective: 0.99 }, window_s: 900 })).toBe('5 minutes to 3 days')
    expect(overName({ rule: { kind: 'missing' }, window_s: 900 })).toBe('15 minutes')
    expect([900, 86_400, 90, 7200].map(spanName)).toEqual(['15 minutes', '1 day', '90 seconds', '2 hours'])
    expect([inUnit(0.031, 'share'), inUnit(1200, 'ms'), inUnit(2, 'USD'), inUnit(null, 'ms')]).toEqual(['3.1 %', '1.20 s', '$2.00', 'unknown'])
  })

  it('leads to the traces it was computed from, or nowhere', () => {
    const finding = { group: 'gpt-5', window: { since: '2026-11-21T08:00:00Z', until: '2026-11-21T09:00:00Z' } } as Finding
    const of = (filter: Record<string, string | string[]>, group_by: string | null = null) => evidence({ filter, group_by, metric: { name: 'error_rate' } }, finding)
    expect(of({ user: ['Jane Doe'] }, 'model')).toBe('/traces?q=status%3Aerror+user%3A%22Jane+Doe%22+model%3Agpt-5&since=2026-11-21T08%3A00%3A00Z&until=2026-11-21T09%3A00%3A00Z')
    expect(of({ model: ['a', 'b'] })).toContain('q=status%3Aerror+model%3Aa%2Cb&')
    expect(of({ status: ['ok', 'unset'] })).toBeNull()
    expect(of({ 'attribute:k': ['a', 'b'] })).toBeNull()
    expect(of({ prompt: 'answer' })).toBe('/traces?q=status%3Aerror+prompt%3Aanswer&since=2026-11-21T08%3A00%3A00Z&until=2026-11-21T09%3A00%3A00Z')
    expect(of({ 'attribute:http.route': ['/one'] })).toBe('/traces?q=status%3Aerror+attr.http.route%3A%2Fone&since=2026-11-21T08%3A00%3A00Z&until=2026-11-21T09%3A00%3A00Z')
    expect(of({}, 'attribute:a b')).toBeNull()
    expect(of({}, 'endpoint')).toContain('endpoint%3Agpt-5')
    expect(of({}, 'tag:team')).toBeNull()
    expect(of({}, 'tag')).toContain('tag%3Agpt-5')
    expect(of({ tag: ['beta'] }, 'tag')).toBeNull()
    const grouped = (group: string | null) => evidence({ filter: {}, group_by: 'user', metric: { name: 'error_rate' } }, { ...finding, group })
    expect(grouped(null)).toBeNull()
    expect(grouped('very-long… ce6f6987b5cecc8a')).toBeNull()
  })

  it('leads to what is left where something is left out', () => {
    const finding = { group: null, window: { since: 'a', until: 'b' } } as Finding
    const line = (name: string, filter: Record<string, string | string[]>) => {
      const path = evidence({ filter, group_by: null, metric: { name } }, finding)
      return path === null ? null : new URLSearchParams(path.split('?')[1]).get('q')
    }
    expect(line('requests', { '-model': ['a', 'b c'], kind: 'llm' })).toBe('-model:a -model:"b c" kind:llm')
    expect(line('cost', { '-model': ['a'] })).toBe('model!=a')
    expect(line('error_rate', { '-model': ['a'], kind: ['llm'] })).toBe('model!=a status:error kind:llm')
    expect(line('error_rate', { '-model': ['a'] })).toBeNull() // spans without a model count, too
    expect(line('error_rate', { '-endpoint': ['/health'], '-attribute:shop': ['x'] })).toBe('-attr.shop:x -endpoint:/health status:error')
    expect(line('errors', { '-error_type': ['Timeout'] })).toBeNull()
    expect(line('requests', { '-status': ['error'] })).toBe('-status:error')
    expect(line('requests', { '-status': ['ok'] })).toBeNull()
    expect(line('cost', { '-tag:team': ['red'] })).toBeNull()
  })

  it('puts a search into the line of the list, where both together are what was looked for', () => {
    const finding = { group: null, window: { since: 'a', until: 'b' } } as Finding
    const line = (name: string, filter: Record<string, string | string[]>) => {
      const path = evidence({ filter, group_by: null, metric: { name } }, finding)
      return path === null ? null : new URLSearchParams(path.split('?')[1]).get('q')
    }
    expect(line('requests', { search: ['latency>3s refund'] })).toBe('latency>3s refund')
    expect(line('error_rate', { search: ['refund model:a,b'], user: ['u1'] })).toBe('status:error user:u1 refund model:a,b')
    expect(line('requests', { search: ['refund', 'parcel'] })).toBeNull()
    expect(line('requests', { search: ['model:a'], kind: ['llm'] })).toBeNull() // another span may be of that model
    expect(line('errors', { search: ['status:ok'] })).toBeNull()
    expect(line('requests', { '-search': ['latency>3s', 'user:a'] })).toBe('-latency>3s -user:a')
    expect(line('requests', { '-search': ['latency>3s user:a'] })).toBeNull()
    expect(line('requests', { '-search': ['refund'] })).toBeNull()
    const id = 'a'.repeat(32)
    expect(line('requests', { '-search': [' user:a ', id] })).toBe(`-user:a -trace:${id}`) // words cannot be excluded
    expect(line('errors', { '-search': ['user:"a'] })).toBeNull() // the quote would take in what stands behind it
    expect(line('requests', { search: ['refund "late'] })).toBeNull()
    expect(line('requests', { search: ['env:a'], environment: ['b'] })).toBeNull()
  })

  it('has a status where it is that of the trace', () => {
    const path = (name: string, group: string | null, filter = {}) => evidence({ filter, group_by: group && 'status', metric: { name } }, { group, window: { since: 'a', until: 'b' } } as Finding)
    expect(path('count', 'error')).toContain('q=status%3Aerror&')
    expect(path('count', 'ok')).toBeNull() // a trace is ok where nothing in it failed
    expect(path('requests', 'error')).toBeNull() // its first span did, not any
    expect(path('cost', 'error')).toBeNull() // another span may have
    expect(path('requests', null, { status: 'error' })).toContain('q=status%3Aerror&')
    expect(path('cost_per_request', null, { status: ['error'] })).toBeNull()
    expect(path('count', null, { status: ['ok'] })).toBeNull()
  })

  it('leads from an incident to what its monitor saw, and nowhere from others', () => {
    const seen = { group: 'u1', group_by: 'user', metric: 'error_rate', filter: { model: ['gpt-5'] }, window: { since: '2026-11-21T08:00:00Z', until: '2026-11-21T09:00:00Z' }, n: 9 }
    expect(evidenceOf(seen)).toBe('/traces?q=status%3Aerror+model%3Agpt-5+user%3Au1&since=2026-11-21T08%3A00%3A00Z&until=2026-11-21T09%3A00%3A00Z')
    expect(evidenceOf({ ...seen, group: null, group_by: null, filter: {}, metric: 'latency' })).toBe('/traces?since=2026-11-21T08%3A00%3A00Z&until=2026-11-21T09%3A00%3A00Z')
    expect(evidenceOf({ ...seen, group_by: undefined })).toBeNull()
    expect(evidenceOf({ quota: 'spans_per_day', limit: 10, used: 10 })).toBeNull()
  })

  it('leads to what each of several lines finds, or to none of them', () => {
    const window = { since: '2026-11-21T08:00:00Z', until: '2026-11-21T09:00:00Z' }
    const seen = (search: string | string[]) => ({ group: null, group_by: null, metric: 'requests', filter: { model: ['gpt-5'], search }, window, n: 9 })
    expect(evidenceOf(seen(['refund', 'latency>3s']))).toBeNull()
    expect(evidenceOfEach(seen(['refund', 'latency>3s']))).toEqual(['refund', 'latency>3s'].map((line) => ({ line, href: evidenceOf(seen(line)) })))
    expect(evidenceOfEach(seen(['refund']))).toEqual([]) // one line has the one link
    expect(evidenceOfEach(seen(['refund', 'model:gpt-4']))).toEqual([])
    expect(evidenceOfEach({ quota: 'spans_per_day' })).toEqual([])
  })
})
