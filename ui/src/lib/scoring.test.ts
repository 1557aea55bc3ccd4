import { expect, test } from 'vitest'
import type { Score } from '@/api/types'
import { mayTakeBack, newScore, ofSubject, type Typed } from './scoring'

const typed = (more: Partial<Typed>): Typed => ({ name: ' correct ', verdict: null, number: '', label: '', reason: '', ...more })
const subject = { trace_id: 't', span_id: 's' }

test('a verdict is a score of a person', () => {
  expect(newScore(subject, typed({ verdict: 'yes' }))).toEqual({ trace_id: 't', span_id: 's', name: 'correct', value: 1, source: 'human' })
  expect(newScore(subject, typed({ verdict: 'no', reason: ' wrong city ' }))).toMatchObject({ value: 0, reason: 'wrong city' })
  expect(newScore(subject, typed({ verdict: 'number', number: '-0.5' }))).toMatchObject({ value: -0.5 })
  expect(newScore(subject, typed({ verdict: 'label', label: ' rude ' }))).toMatchObject({ label: 'rude' })
  expect(newScore({ session: 'x' }, typed({ verdict: 'comment', reason: 'odd' }))).toEqual({ session: 'x', name: 'correct', reason: 'odd', source: 'human' })
})

test('what is not complete is no score', () => {
  for (const more of [{}, { verdict: 'number' }, { verdict: 'number', number: '-' }, { verdict: 'label', label: ' ' }, { verdict: 'comment' }, { verdict: 'yes', name: ' ' }] as Partial<Typed>[]) {
    expect(newScore(subject, typed(more))).toBeNull()
  }
})

test('scores of a span are its own, those of a trace all of it', () => {
  const scores = [{ id: 'a', span_id: null }, { id: 'b', span_id: 's' }] as Score[]
  expect(ofSubject(scores, { trace_id: 't' }).map((one) => one.id)).toEqual(['a', 'b'])
  expect(ofSubject(scores, subject).map((one) => one.id)).toEqual(['b'])
})

test('a score is taken back by whoever gave it and by admins, and one of a run by nobody', () => {
  const score = { author: 'user:mara', run: null } as Score
  const who = { write: true, admin: false, actor: 'user:mara' }
  expect(mayTakeBack(score, who)).toBe(true)
  expect(mayTakeBack({ ...score, author: 'key:a' }, who)).toBe(false)
  expect(mayTakeBack({ ...score, author: null }, { ...who, actor: null })).toBe(false)
  expect(mayTakeBack({ ...score, author: 'key:a' }, { ...who, admin: true })).toBe(true)
  expect(mayTakeBack(score, { ...who, write: false })).toBe(false)
  expect(mayTakeBack({ ...score, run: 'run_1' }, { ...who, admin: true })).toBe(false)
})
