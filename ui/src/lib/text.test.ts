import { expect, it } from 'vitest'
import { alike, headline, jsonInside, pieces, wordDiff } from './text'

it('finds scrubbed values, and leaves other brackets alone', () => {
  expect(pieces('Write to [EMAIL_ADDRESS] about [1] or [TODO].')).toEqual([
    { kind: 'text', text: 'Write to ' },
    { kind: 'scrubbed', label: 'EMAIL_ADDRESS' },
    { kind: 'text', text: ' about [1] or [TODO].' },
  ])
  expect(pieces('[TICKET_NUMBER]', ['TICKET_NUMBER'])).toEqual([{ kind: 'scrubbed', label: 'TICKET_NUMBER' }])
})

it('reads JSON objects and lists, not numbers or prose', () => {
  expect(jsonInside(' {"a": 1}')).toEqual({ a: 1 })
  expect(jsonInside('[1, 2]')).toEqual([1, 2])
  expect(jsonInside('[see the policy]')).toBeUndefined()
  expect(jsonInside('42')).toBeUndefined()
})

it('says which words changed', () => {
  expect(wordDiff('say so if the context lacks it', 'if the context has it')).toEqual([
    { op: 'delete', text: 'say so ' },
    { op: 'equal', text: 'if the context ' },
    { op: 'delete', text: 'lacks ' },
    { op: 'insert', text: 'has ' },
    { op: 'equal', text: 'it' },
  ])
})

it('loses nothing: either side can be read back', () => {
  const a = 'one two  three\nfour'
  const b = 'zero two three\nfour five'
  const diff = wordDiff(a, b)
  expect(diff.filter((d) => d.op !== 'insert').map((d) => d.text).join('')).toBe(a)
  expect(diff.filter((d) => d.op !== 'delete').map((d) => d.text).join('')).toBe(b)
})

it('tells texts that share most words from texts that share none', () => {
  expect(alike(wordDiff('return within 30 days', 'return within 14 days'))).toBeGreaterThan(0.5)
  expect(alike(wordDiff('return within 30 days', 'no document says so'))).toBe(0)
})

it('writes a value in one line', () => {
  expect(headline({ question: 'How long\n may I wait?' })).toBe('How long may I wait?')
  expect(headline({ a: 1, b: 'x' })).toBe('{ "a": 1, "b": "x" }')
  expect(headline(null)).toBe('')
})
