import { describe, expect, it } from 'vitest'
import type { Span } from '@/api/types'
import { asCurl } from './curl'
import { conversation, joined, mediaIn, newest, saidIn } from './messages'

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

describe('mediaIn', () => {
  const word = (id: string) => `@@@langfuseMedia:type=image/png|id=${id}|source=bytes@@@`

  it('knows what messages draw, and not what stands as words in a text, in JSON or in what a tool answered', () => {
    const drawn = [{ role: 'user', content: `Look: ${word('a')}` }, { role: 'user', parts: [{ type: 'image', image: word('b') }] }]
    const words = [{ role: 'tool', tool_call_id: 'c1', parts: [{ type: 'tool_result', id: 'c1', content: word('c') }] }]
    expect([...mediaIn([drawn, words])]).toEqual(['a', 'b'])
    expect(mediaIn([word('d'), null, { picture: word('e') } as unknown as Span['input']]).size).toBe(0)
  })
})

describe('joined', () => {
  it('puts results with their calls, by id in either convention, and leaves strays where they are', () => {
    const all = conversation([
      { role: 'assistant', content: null, tool_calls: [{ id: 'c1', function: { name: 'track', arguments: '{}' } }] },
      { role: 'tool', tool_call_id: 'c1', content: 'in Leeds' },
      { role: 'assistant', parts: [{ type: 'tool_call', id: 'c2', name: 'track', arguments: {} }] },
      { role: 'tool', parts: [{ type: 'tool_call_response', id: 'c2', response: { at: 'Hull' } }] },
      { role: 'tool', tool_call_id: 'c9', content: 'of a call before' },
    ])!
    const { messages, results } = joined(all)
    expect(messages.map((one) => [one.role, one.text])).toEqual([['assistant', ''], ['assistant', ''], ['tool', 'of a call before']])
    expect([...results]).toEqual([['c1', 'in Leeds'], ['c2', '{\n  "at": "Hull"\n}']])
    expect(all[1]?.text).toBe('in Leeds')
  })

  it('reads what a tool answered in parts of text', () => {
    const [one] = conversation([{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 'c1', content: [{ type: 'text', text: 'sunny' }, { type: 'text', text: 'and warm' }] }] }])!
    expect(one!.results).toEqual([{ id: 'c1', text: 'sunny\n\nand warm' }])
  })

  it('keeps pictures and reasoning of a message apart from its text', () => {
    const [one] = conversation([{ role: 'user', reasoning_content: 'hm', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }])!
    expect(one).toMatchObject({ text: 'What is it?', reasoning: 'hm', media: [{ where: 'remote' }], others: [] })
  })
})

const span = {
  kind: 'llm', model: 'small-1', provider: 'local', span_id: 'ab', attributes: { 'gen_ai.request.temperature': 0 },
  input: [{ role: 'user', content: "What's the return window?" }], output: [{ role: 'assistant', content: '30 days' }],
} as unknown as Span

it('copies a model call as a command a POSIX shell takes', () => {
  const body = { model: 'local/small-1', messages: span.input, temperature: 0 }
  const command = asCurl({ body, left_out: 0 }, 'http://localhost:4600')
  expect(command).toMatch(/^curl http:\/\/localhost:4600\/v1\/chat\/completions /)
  expect(command).toContain('"model": "local/small-1"')
  expect(command).toContain(`What'\\''s the return window?`)
  const long = asCurl({ body: { messages: 'é'.repeat(70_000) }, left_out: 0 }, '')
  expect(long).toContain(`--data-binary @- <<'BODY'\n{`)
  expect(long.endsWith('}\nBODY')).toBe(true)
  expect(asCurl({ body, left_out: 2 }, '')).toMatch(/^# 2 pictures or files are left out/)
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
