import { expect, it } from 'vitest'
import { bytes } from './size'

it('writes bytes in the largest unit', () => {
  expect([0, 812, 1200, 5_000_000, 2.5e12, null].map(bytes)).toEqual(['0 B', '812 B', '1.2 kB', '5 MB', '2.5 TB', 'unknown'])
})
