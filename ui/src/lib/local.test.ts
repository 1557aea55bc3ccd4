import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { chosen, isDay, local, zoneOf } from './local'

describe('times on the clock of Berlin', () => {
  const zone = process.env.TZ
  beforeAll(() => void (process.env.TZ = 'Europe/Berlin'))
  afterAll(() => void (process.env.TZ = zone))

  it('have the offset of their own season', () => {
    expect([zoneOf('2026-07-01T12:00'), zoneOf('2026-12-01T12:00')]).toEqual(['UTC+02:00', 'UTC+01:00'])
  })

  it('stay what they were where nothing was typed', () => {
    const second = '2026-10-25T01:30:07.000Z' // the clock shows 02:30 twice
    expect(local(second)).toBe('2026-10-25T02:30')
    expect(chosen(local(second), second)).toBe(second)
    expect(chosen('2026-10-25T03:30', second)).toBe('2026-10-25T02:30:00.000Z')
    expect([chosen('', second), chosen('', undefined), local(undefined), local('never')]).toEqual([undefined, undefined, '', ''])
  })
})

describe('a day', () => {
  it.each(['2026-02-28', '2028-02-29'])('%s is one', (text) => expect(isDay(text)).toBe(true))
  it.each(['2026-02-31', '2026-02-29', '2026-13-01', '2026-2-1', 'yesterday', '', undefined])('%s is none', (text) => expect(isDay(text)).toBe(false))
})
