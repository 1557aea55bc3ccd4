import { describe, expect, it } from 'vitest'
import { filterOf, takesSeveral } from './exports'
import { heldOf } from './match'

describe('filters of exports', () => {
  it('are sent as they were read, with all their values', () => {
    const filter = { model: ['a', 'b'], user: 'ann', '-kind': ['tool', 'llm'], search: 'user:a,b cost>1' }
    expect(filterOf(heldOf(filter))).toEqual(filter)
    expect(filterOf([{ field: 'name', values: [] }])).toEqual({})
  })

  it('take several values where the list of traces does, and one line of it', () => {
    expect([takesSeveral('traces', 'model'), takesSeveral('traces', 'search'), takesSeveral('spans', 'model')]).toEqual([true, false, false])
  })
})
