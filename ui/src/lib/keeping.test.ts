import { describe, expect, it } from 'vitest'
import { changesOf, keptFor, removedIn, unfinished } from './keeping'

const rule = (environment: string | null, metadata_days: number | null, text_days: number | null) => ({ environment, metadata_days, text_days })

describe('what is kept, in words', () => {
  it('says it in a sentence', () => {
    expect(keptFor([])).toBe('Everything is kept: no rule deletes anything.')
    expect(keptFor([rule(null, 365, 30)])).toBe('Spans are kept 365 days, their text 30 days; everything else is kept.')
    expect(keptFor([rule(null, null, 1), rule('staging', 7, 7)])).toBe('The text of spans is kept 1 day; everything else is kept. staging has a rule of its own.')
  })

  it('tells what a change changes', () => {
    expect(changesOf([rule(null, 365, 30), rule('staging', 7, null)], [rule(null, 365, 14)])).toEqual(['Their text: kept 14 days instead of 30 days.', 'The rule of staging is removed: the project’s rule applies there.'])
    expect(changesOf([], [rule('dev', 7, null)])).toEqual(['Spans of dev: kept 7 days instead of for ever.'])
    expect(changesOf([rule(null, 1, 1)], [rule(null, 1, 1)])).toEqual([])
  })

  it('says why rules cannot be looked at yet', () => {
    expect(unfinished([rule(null, 365, 30), rule('staging', 7, null)])).toBeNull()
    expect(unfinished([rule('staging', 7, null), rule(' ', 1, null)])).toBe('Each additional rule needs an environment.')
    expect(unfinished([rule('staging', 7, null), rule('staging', 1, null)])).toBe('Two rules are for the environment staging.')
  })

  it('counts what goes', () => {
    expect(removedIn({ spans: 1, texts: 1200, scores: 0, oldest: null })).toBe('1 span, 1,200 texts')
    expect(removedIn({ traces: 5, media: 2, voices: 3, as_of: '2026-11-29T12:00:00Z' })).toBe('2 media files, 3 voices')
    expect(removedIn({ spans: 0 })).toBe('nothing')
  })
})
