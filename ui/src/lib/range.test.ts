import { describe, expect, it } from 'vitest'
import { readTimes } from './range'

const NOW = Date.parse('2026-11-21T09:00:30Z')

const times = (given: Parameters<typeof readTimes>[0]) => readTimes(given, NOW)

describe('the times of a link', () => {
  it.each([['7d', '7d'], ['24h', '24h'], ['1w', '7d'], ['2w', '14d'], ['now-6h', '6h'], ['-15m', '15m']])('%s back is %s, whichever parameter says it', (written, range) => {
    expect(times({ since: written })).toEqual({ times: { range, since: undefined, until: undefined }, unread: [] })
    expect(times({ range: written }).times.range).toBe(range)
    expect(times({ since: written, until: 'now' }).times).toEqual({ range, since: undefined, until: undefined })
  })

  it('both ends may be said back from now', () => {
    expect(times({ since: '2d', until: '1d' }).times).toEqual({ range: undefined, since: '2026-11-19T09:00:00.000Z', until: '2026-11-20T09:00:00.000Z' })
  })

  it.each([
    ['2026-11-21T08:00:00Z', '2026-11-21T08:00:00Z'],
    ['2026-11-21', '2026-11-21'],
    ['2026-11-21T08:00', '2026-11-21T08:00Z'],
    ['2026-11-21T08:00:00 01:00', '2026-11-21T08:00:00+01:00'],
  ])('%s is a time as the server reads it', (written, meant) => {
    expect(times({ since: written, until: written })).toEqual({ times: { range: undefined, since: meant, until: meant }, unread: [] })
  })

  it.each(['yesterday', '77', '2026-13-01', '2026-11-21T', '7y', '7', '1.5h', 'soon', '99999999999d', '99999w', '1M'])('%s is told, and left out', (written) => {
    const nothing = { range: undefined, since: undefined, until: undefined }
    for (const name of ['range', 'since', 'until'] as const) expect(times({ [name]: written })).toEqual({ times: nothing, unread: [[name, written]] })
  })

  it('what can be read beside it stays', () => {
    expect(times({ since: 'yesterday', until: '2026-11-21' })).toEqual({ times: { range: undefined, since: undefined, until: '2026-11-21' }, unread: [['since', 'yesterday']] })
  })

  it('a time says more than a range', () => expect(times({ range: '24h', since: '2026-11-21' }).times.range).toBeUndefined())
})
