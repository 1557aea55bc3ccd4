import { describe, expect, it } from 'vitest'
import { placeOf, remember } from './walk'

describe('the list that was looked at last', () => {
  it('says what stands before and after a trace, and how it was narrowed', () => {
    expect(placeOf('a')).toBe(null)
    remember(['a', 'b', 'c'], { q: 'status:error' })
    expect(placeOf('b')).toEqual({ search: { q: 'status:error' }, at: 2, of: 3, before: 'a', after: 'c' })
    expect([placeOf('a')!.before, placeOf('c')!.after, placeOf('d')]).toEqual([undefined, undefined, null])
  })
})
