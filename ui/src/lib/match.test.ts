import { describe, expect, it } from 'vitest'
import { fieldOf, heldOf, leavesOut, matchOf, told, turned } from './match'

describe('fields with the values they may have', () => {
  it('have a minus in front where they say what is left out', () => {
    expect([fieldOf('-model'), fieldOf('model'), leavesOut('-model'), leavesOut('model')]).toEqual(['model', 'model', true, false])
    expect([turned('model', true), turned('-model', true), turned('-model', false)]).toEqual(['-model', '-model', 'model'])
  })

  it('are written back as they are read, and told in words', () => {
    const match = { kind: ['llm'], '-model': ['a', 'b'] }
    expect(matchOf(heldOf(match))).toEqual(match)
    expect(told(match)).toEqual(['kind: llm', 'not model: a or b'])
    expect(told({ search: ['refund or parcel', 'user:a,b'], '-search': ['cost>1'] })).toEqual(['search: “refund or parcel” or “user:a,b”', 'not search: cost>1'])
  })
})
