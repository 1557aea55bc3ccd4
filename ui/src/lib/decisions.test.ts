import { expect, it } from 'vitest'
import type { Channel, ChannelEvent } from '@/api/types'
import { earlierReleases } from './channels'
import { pageOf } from './places'
import { rangeName, sinceOf } from './range'
import { scaleOf, scoreScale } from './scale'

it('goes back to what was live before, never to what is live now', () => {
  const event = (at: string, action: ChannelEvent['action'], from: string | null, to: string): ChannelEvent =>
    ({ id: at, at, by: 'user:mara', action, from, to, reason: null, verdict: null })
  const history = [
    event('2026-01-01', 'promote', null, 'A'),
    event('2026-01-02', 'promote', 'A', 'C'),
    event('2026-01-03', 'canary_start', 'C', 'D'),
    event('2026-01-04', 'canary_rollback', 'C', 'D'),
  ]
  const channel = { release: { id: 'C' }, history } as Channel
  expect(earlierReleases(channel).map((one) => one.id)).toEqual(['A'])
})

it('turns a range of the address into a time', () => {
  expect(sinceOf('24h', Date.parse('2026-11-21T08:00:30Z'))).toBe('2026-11-20T08:00:00.000Z')
  expect(sinceOf('soon')).toBeUndefined()
  expect(rangeName('24h')).toBe('Last 24 hours')
})

it('reads no range that no calendar has', () => {
  expect(['15m', '24h', '99999d'].every((range) => sinceOf(range))).toBe(true)
  expect(['soon', '77', '7', '1.5h', '99999999999d'].some((range) => sinceOf(range))).toBe(false)
})

it('keeps zero and the margin in sight', () => {
  const scale = scaleOf([0.02, 0.04], [0, -0.05])
  expect(scale.at(-0.05)).toBeGreaterThan(0)
  expect(scale.at(0)).toBeLessThan(scale.at(0.02))
  expect(scoreScale([0.2, 0.9])).toMatchObject({ low: 0, high: 1 })
  expect(scoreScale([120, 900]).high).toBeGreaterThan(900)
})

it('leads from an address of the API to the page that shows it', () => {
  expect(pageOf('/api/v1/canaries/can_1')).toBe('/canaries/can_1')
  expect(pageOf('/api/v1/releases/rel_1/diff?to=rel_2')).toBe('/releases/rel_2?against=rel_1')
  expect(pageOf('/api/v1/runs/run_1/compare/run_2')).toBe('/runs/compare?a=run_1&b=run_2')
  expect(pageOf('/api/v1/traces?release=rel_1&arm=candidate')).toBe('/traces?release=rel_1&arm=candidate')
})
