import { describe, expect, it } from 'vitest'
import type { Definition } from '@/api/monitors'
import { definitionOf, type Draft, draftOf, EMPTY, searching } from './watch-form'

const written = (changes: Partial<Draft>) => definitionOf({ ...EMPTY, name: 'm', ...changes })

describe('a monitor being written', () => {
  it('sends shares as shares and leaves out what was not said', () => {
    expect(written({})).toMatchObject({ metric: { name: 'error_rate' }, rule: { kind: 'threshold', above: 0.05 }, filter: {}, notify: null })
    expect(written({})).not.toHaveProperty('every_s')
    expect(written({ metric: 'judgements', score: 'tool_loop' })).toMatchObject({ metric: { name: 'judgements', score: 'tool_loop' } })
    expect(written({ above: '', below: 0.5, metric: 'score', score: 'tone', source: 'human' })).toMatchObject({ metric: { name: 'score', score: 'tone', source: 'human' }, rule: { kind: 'threshold', below: 0.5 } })
  })

  it('knows all four rules', () => {
    expect(written({ kind: 'change', direction: 'down' })?.rule).toEqual({ kind: 'change', change: 0.5, direction: 'down', false_alarms_per_year: 1, days: 28, time_zone: 'UTC' })
    expect(written({ kind: 'missing', min_count: 3 })?.rule).toEqual({ kind: 'missing', min_count: 3 })
    expect(written({ kind: 'burn', objective: 99.9 })?.rule).toEqual({ kind: 'burn', objective: 0.999, days: 30 })
    expect(written({ kind: 'burn', metric: 'latency' })).toBeNull()
  })

  it('is nothing while something is missing', () => {
    expect([written({ above: '' }), written({ metric: 'score' }), written({ metric: 'score_rate', score: 'x', line: '' }), written({ metric: 'latency', quantile: '' }), written({ min_n: '' }), written({ filter: [{ field: 'model', values: [] }] })]).toEqual([null, null, null, null, null, null])
  })

  it('comes back as it was sent', () => {
    const sent: Definition[] = [
      { name: 'a', metric: { name: 'slow_rate', threshold_ms: 900 }, filter: { model: ['x', 'y'], tag: ['t'] }, group_by: 'user', rule: { kind: 'threshold', above: 0.07, below: 0.01 }, window_s: 300, every_s: 60, min_n: 5, severity: 'critical', notify: ['ops'], enabled: false, description: 'why' },
      { name: 'b', metric: { name: 'latency', quantile: 0.99 }, filter: {}, group_by: null, rule: { kind: 'change', change: 0.2, direction: 'both', false_alarms_per_year: 2, days: 14, time_zone: 'Europe/Berlin' }, window_s: 3600, every_s: 900, min_n: 1, severity: 'warning', notify: null, enabled: true, description: '' },
      { name: 'c', metric: { name: 'error_rate' }, filter: {}, group_by: null, rule: { kind: 'burn', objective: 0.995, days: 7 }, window_s: 3600, every_s: 60, min_n: 10, severity: 'critical', notify: [], enabled: true, description: '' },
    ]
    for (const metric of [{ name: 'score_rate', score: 'groundedness', below: 0.4 }, { name: 'score_rate', score: 'toxicity', source: 'judge', above: 0 }]) sent.push({ ...sent[2]!, metric })
    for (const one of sent) expect(definitionOf(draftOf(one))).toEqual(one)
  })

  it('begins from a line of the list of traces, without the times it had', () => {
    const made = definitionOf({ ...searching('latency>3s since:2d "late delivery" user:a,b'), name: 'm' })
    expect(made).toMatchObject({ metric: { name: 'requests' }, rule: { kind: 'threshold', above: 0 }, min_n: 1, filter: { search: ['latency>3s "late delivery" user:a,b'] } })
    expect(definitionOf({ ...searching('since:2d'), name: 'm' })).toMatchObject({ filter: {} })
  })
})
