import { describe, expect, it } from 'vitest'
import { against, binEdges, binName, inUnit, onAxis, scopeOf, seriesName, ticks, tracesHref, unusedSaid } from './panels'

const NOW = Date.parse('2026-11-25T12:00:30Z')

describe('panels', () => {
  it('write values in their unit and what is unknown as unknown', () => {
    expect(inUnit(1240, 'ms')).toBe('1.24 s')
    expect(inUnit(0.031, 'share')).toBe('3.1 %')
    expect(inUnit(12.3, 'USD')).toBe('$12.30')
    expect(inUnit(1200, '')).toBe('1,200')
    expect(inUnit(null, 'ms')).toBe('unknown')
  })
  it('say what a reader set and they do not follow', () => {
    expect(unusedSaid([])).toBeNull()
    expect(unusedSaid(['compare'])).toBe('No comparison with the previous period.')
    expect(unusedSaid(['cost_center', 'model'])).toBe('Not filtered by cost center, model: its SQL does not use {cost_center}, {model}.')
  })
  it('write no sign beside an axis that says nothing', () => {
    expect([7000, 200, 0].map((value) => onAxis(value, 'ms'))).toEqual(['7 s', '200 ms', '0'])
    expect([180, 0, 0.005].map((value) => onAxis(value, 'USD'))).toEqual(['$180', '$0', '$0.0050'])
    expect(onAxis(50_000_000, 'tokens')).toBe('50M')
    expect(onAxis(600, 'tokens/s')).toBe('600/s')
    expect(onAxis(0.2, '')).toBe('0.2')
  })
  it('name round hours and days on a time axis, and no bin between them', () => {
    const quarters = Array.from({ length: 96 }, (_, i) => new Date(Date.parse('2026-11-27T09:30:00Z') + i * 900_000).toISOString())
    expect(ticks(quarters, 900).filter(Boolean)).toEqual(['12:00', '15:00', '18:00', '21:00', '28 Nov', '03:00', '06:00', '09:00'])
    const twoHours = Array.from({ length: 84 }, (_, i) => new Date(Date.parse('2026-11-21T08:00:00Z') + i * 7_200_000).toISOString())
    expect(ticks(twoHours, 7200).filter(Boolean)).toEqual(['22 Nov', '23 Nov', '24 Nov', '25 Nov', '26 Nov', '27 Nov', '28 Nov'])
    expect(ticks(['2026-11-21T08:07:00Z'], 420)).toEqual(['08:07'])
  })
  it('look at what the address says, else at the range of their dashboard', () => {
    expect(scopeOf({}, '24h', [], NOW)).toEqual({ since: '2026-11-24T12:00:00.000Z', until: '2026-11-25T12:01:00.000Z', filter: {} })
    const link = { since: '2026-11-01T00:00:00Z', until: '2026-11-02T00:00:00Z', model: 'a', user: 'u' }
    expect(scopeOf({ ...link, search: 'cost>1 late' }, '24h', [], NOW).filter).toEqual({ search: 'cost>1 late' })
    expect(unusedSaid(['search', 'model'])).toBe('The search does not apply to SQL panels. Not filtered by model: its SQL does not use {model}.')
    expect(scopeOf(link, '24h', ['model'], NOW)).toEqual({ since: link.since, until: link.until, filter: { model: 'a' } })
  })
  it('lead to the traces of a point, or nowhere', () => {
    expect(tracesHref(null, 'a', 'b')).toBeNull()
    expect(tracesHref({ model: 'a b', score: ['x:lt:1'] }, 's', 'u')).toBe('/traces?since=s&until=u&model=a+b&score=x%3Alt%3A1')
  })
  it('name groups, the unknown one and the others', () => {
    const one = { group: 'a', others: 0, label: 'cost' }
    expect(seriesName(one, false, 1)).toBe('cost')
    expect(seriesName(one, true, 1)).toBe('a')
    expect(seriesName({ ...one, group: null }, true, 2)).toBe('not said, cost')
    expect(seriesName({ ...one, group: null, others: 3 }, true, 1)).toBe('3 more')
  })
  it('cut the first and the last bin to the range', () => {
    const answer = { since: '2026-11-25T08:10:00Z', until: '2026-11-25T10:00:00Z', starts: ['2026-11-25T08:00:00Z', '2026-11-25T09:00:00Z'], bin_s: 3600 }
    expect(binEdges(answer, 0)).toEqual(['2026-11-25T08:10:00.000Z', '2026-11-25T09:00:00.000Z'])
    expect(binName(900)).toBe('15 min')
  })
  it('compare with the period before only where both are known', () => {
    expect(against(112, 100)).toBe('+12 %')
    expect(against(90, 100)).toBe('−10 %')
    expect(against(1, 0)).toBeNull()
    expect(against(null, 1)).toBeNull()
  })
})
