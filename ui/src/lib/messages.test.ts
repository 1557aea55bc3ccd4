import { describe, expect, it } from 'vitest'
import type { Span } from '@/api/types'
import { asCurl, asDatasetItem } from './curl'
import { conversation, newest, saidIn } from './messages'

describe('conversation', () => {
  it('is null for plain text', () => {
    expect(conversation('hello')).toBeNull()
  })

  it('reads content, parts and tool calls of either convention', () => {
    const said = conversation([
      { role: 'user', content: 'Where is it?' },
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', function: { name: 'track', arguments: '{"order":7}' } }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', response: 'in Leeds' }] },
      { role: 'assistant', parts: [{ type: 'reasoning', content: 'Leeds…' }, { type: 'text', content: 'In Leeds.' }, { type: 'blob', uri: 'x' }] },
    ])!
    expect(said.map((one) => one.text)).toEqual(['Where is it?', '', 'in Leeds', 'In Leeds.'])
    expect(said[1]?.calls).toEqual([{ id: 'c1', name: 'track', arguments: { order: 7 } }])
    expect(said[3]).toMatchObject({ reasoning: 'Leeds…', others: [{ type: 'blob' }] })
  })
})

const span = {
  kind: 'llm', model: 'small-1', provider: 'local', span_id: 'ab', attributes: { 'gen_ai.request.temperature': 0 },
  input: [{ role: 'user', content: "What's the return window?" }], output: [{ role: 'assistant', content: '30 days' }],
} as unknown as Span

it('copies a model call as a command a POSIX shell takes', () => {
  const command = asCurl(span, 'http://localhost:4600')
  expect(command).toContain('"model": "local/small-1"')
  expect(command).toContain('"temperature": 0')
  expect(command).toContain(`What'\\''s the return window?`)
})

it('copies a span as a row of a golden set', () => {
  expect(JSON.parse(asDatasetItem(span))).toEqual({ input: "What's the return window?", expected: '30 days', source_span: 'ab' })
})

describe('a preview of a conversation', () => {
  it('is what was said last, also where it is cut', () => {
    expect(saidIn('[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Where is \\"it\\"')).toBe('Where is "it"')
    expect(saidIn('a plain question')).toBe('a plain question')
    expect(saidIn('{"a": 1}')).toBe('{"a": 1}')
  })
})

describe('a turn of a conversation', () => {
  const said = (...roles: string[]) => conversation(roles.map((role) => ({ role, content: role })))!
  it('is what came after the last answer, and never nothing', () => {
    expect(newest(said('system', 'user', 'assistant', 'user')).map((one) => one.role)).toEqual(['user'])
    expect(newest(said('user', 'assistant'))).toHaveLength(2)
  })
})
