import { afterEach, expect, test } from 'vitest'
import { heard, serverNow } from './now'

const HOUR = 3_600_000
const httpDate = (at: number) => new Date(at).toUTCString()

afterEach(() => heard(httpDate(Date.now())))

test('the clock of a reader that is hours off is put right by what the server says', () => {
  heard(httpDate(Date.now() - 3 * HOUR))
  expect(Math.abs(serverNow() - (Date.now() - 3 * HOUR))).toBeLessThan(2_000)
  heard(httpDate(Date.now() + HOUR))
  expect(Math.abs(serverNow() - (Date.now() + HOUR))).toBeLessThan(2_000)
})

test('a second or two is how long an answer takes, and an answer without a time says nothing', () => {
  heard(httpDate(Date.now() - 2_000))
  expect(Math.abs(serverNow() - Date.now())).toBeLessThan(50)
  heard(httpDate(Date.now() - HOUR))
  heard(null)
  heard('soon')
  expect(serverNow()).toBeLessThan(Date.now() - HOUR + 2_000)
})
