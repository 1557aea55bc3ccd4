import { describe, expect, it } from 'vitest'
import { parseSearch, writeSearch } from './search'
import { lineOf, partsOf, put, quoted, scoresIn, typedAt, valuesIn, without, together } from './q'

describe('the line of filters', () => {
  it('has bounds of tokens, also of a link', () => {
    expect(partsOf('tokens>10k').map((one) => [one.field, one.op, one.value])).toEqual([['tokens', '>', '10k']])
    expect(lineOf({ min_tokens: '500' } as never)).toBe('tokens>=500')
  })

  it('says which scores it compares', () => {
    expect(scoresIn('score.helpful<0.5 refund -score.tone>=1')).toEqual(['helpful', 'tone'])
  })

  it('takes 32 hex digits for the id of a trace, but not between quotes', () => {
    const id = '4bf92f3577b34da6a3ce929d0e0e4736'
    expect(partsOf(`${id} refund`).map((one) => [one.field, one.value])).toEqual([['trace', id], [null, 'refund']])
    expect(partsOf(`"${id}"`)[0]!.field).toBe(null)
  })

  it('has fields with operators, words and phrases, at their places', () => {
    const q = 'status:error latency>2s score.helpful<=0.5 attr.http.route:/x user:"Jane Doe" refund "late delivery"'
    const parts = partsOf(q)
    expect(parts.map((one) => [one.field, one.op, one.value])).toEqual([
      ['status', ':', 'error'], ['latency', '>', '2s'], ['score.helpful', '<=', '0.5'], ['attr.http.route', ':', '/x'],
      ['user', ':', 'Jane Doe'], [null, null, 'refund'], [null, null, 'late delivery'],
    ])
    expect(parts.every((one) => q.slice(one.from, one.to) === one.text)).toBe(true)
  })

  it('takes what it does not know for words', () => {
    expect(partsOf('https://x.test 12:30 nothing:here').map((one) => one.field)).toEqual([null, null, null])
  })

  it('puts, replaces and takes a field, before the words', () => {
    expect(put('refund', 'status', 'error')).toBe('status:error refund')
    expect(put('status:ok latency>2s refund', 'status', 'error')).toBe('latency>2s status:error refund')
    expect(put('status:ok refund', 'status')).toBe('refund')
    expect(put('', 'user', 'Jane Doe')).toBe('user:"Jane Doe"')
    expect(valuesIn('user:"Jane Doe" x', 'user')).toEqual(['Jane Doe'])
    expect(valuesIn('latency>2s', 'status')).toEqual([])
  })

  it('has several values of a field, of which one must hold', () => {
    const q = 'model:a,"b, c","say ""hi""" -user:u1,u2 attr.k:1,2 refund,late'
    expect(partsOf(q).map((one) => [one.field, one.values, one.value])).toEqual([
      ['model', ['a', 'b, c', 'say "hi"'], 'a,"b, c","say ""hi"""'], ['user', ['u1', 'u2'], 'u1,u2'], ['attr.k', [], '1,2'], [null, [], 'refund,late'],
    ])
    expect(valuesIn(q, 'model')).toEqual(['a', 'b, c', 'say "hi"'])
    expect(valuesIn(q, 'user')).toEqual([])
    expect(put('model:a refund', 'model', 'a', 'b, c')).toBe('model:a,"b, c" refund')
    expect(valuesIn(put('', 'user', 'x,y'), 'user')).toEqual(['x,y'])
    expect(['a,', ',a', 'a,,b', 'a,a', ''].map((written) => partsOf(`model:${written}`)[0]!.values)).toEqual([['a', ''], ['', 'a'], ['a', '', 'b'], ['a'], ['']])
  })

  it('takes several values of a link', () => {
    const address = parseSearch('?model=a&model=b%2Cc&status=error')
    expect(lineOf(address)).toBe('status:error model:a,"b,c"')
    expect(parseSearch(writeSearch(address))).toEqual(address)
  })

  it('completes the one of several values that is typed', () => {
    expect(typedAt('model:a,gp x', 10)).toEqual({ from: 8, to: 10, field: 'model', op: ':', text: 'gp' })
    expect(typedAt('model:gp,b', 8)).toEqual({ from: 6, to: 8, field: 'model', op: ':', text: 'gp' })
    expect(typedAt('model:"a,b",c', 9)).toEqual({ from: 6, to: 11, field: 'model', op: ':', text: 'a,' })
    expect(typedAt('attr.k:a,b', 10)).toEqual({ from: 7, to: 10, field: 'attr.k', op: ':', text: 'a,b' })
  })

  it('loses one part and keeps the others', () => {
    const q = 'status:error refund latency>2s'
    expect(without(q, partsOf(q)[1]!)).toBe('status:error latency>2s')
  })

  it('has parts with a minus, which stay where a field is put or taken', () => {
    const q = '-model:a model:b -attr.http.route:/x -refund --flag'
    expect(partsOf(q).map((one) => [one.negated, one.field, one.value])).toEqual([
      [true, 'model', 'a'], [false, 'model', 'b'], [true, 'attr.http.route', '/x'], [false, null, '-refund'], [false, null, '--flag'],
    ])
    expect(valuesIn(q, 'model')).toEqual(['b'])
    expect(valuesIn('-model:a', 'model')).toEqual([])
    expect(put('-model:a model:b refund', 'model', 'c')).toBe('-model:a model:c refund')
    expect(put('-model:a model:b', 'model')).toBe('-model:a')
    expect(put('model!=a model:b', 'model')).toBe('model!=a')
    expect(typedAt('-model:gpt', 10)).toEqual({ from: 7, to: 10, field: 'model', op: ':', text: 'gpt' })
    expect(typedAt('-mod', 4)).toEqual({ from: 1, to: 4, field: null, op: null, text: 'mod' })
  })

  it('says all that a link says several times', () => {
    const address = parseSearch('?attribute=a:eq:1&attribute=url:eq:http://x:80/eq:&differs=model:a&differs=name:x:y z&exclude=status:error&exclude=user:"Jane Doe"')
    expect(partsOf(lineOf(address)).map((one) => one.text)).toEqual(['attr.a:1', 'attr.url:http://x:80/eq:', 'model!=a', 'name!="x:y z"', '-status:error', '-user:"Jane Doe"'])
    expect(parseSearch(writeSearch(address))).toEqual(address)
  })

  it('quotes only what needs it', () => {
    expect([quoted('a'), quoted('a b'), quoted('a "b"'), quoted('')]).toEqual(['a', '"a b"', '"a ""b"""', '""'])
  })

  it('says in one line what links say in parameters', () => {
    const address = { q: 'refund', status: 'error', user: 'Jane Doe', score: 'helpful:lt:0.5\u001fnote:contains:too slow: twice', min_latency_ms: '2000', attribute: 'http.route:exists:' }
    expect(partsOf(lineOf(address)).map((one) => one.text).sort()).toEqual(['attr.http.route:*', 'latency>=2000ms', 'refund', 'score.helpful<0.5', 'score.note~"too slow: twice"', 'status:error', 'user:"Jane Doe"'].sort())
    expect(lineOf({})).toBe('')
  })

  it('knows whether a field or a value is being typed', () => {
    expect(typedAt('stat', 4)).toEqual({ from: 0, to: 4, field: null, op: null, text: 'stat' })
    expect(typedAt('model:gpt x', 9)).toEqual({ from: 6, to: 9, field: 'model', op: ':', text: 'gpt' })
    expect(typedAt('a  b', 2)).toEqual({ from: 2, to: 2, field: null, op: null, text: '' })
    expect(typedAt('user:"Jane D', 12)).toMatchObject({ field: 'user', text: 'Jane D' })
  })
})

describe('values of all kinds come back from the line', () => {
  it.each(['c"d', '"', '""', ' / ', 'a  b', 'say "hi"', 'a\nb', "e'f", 'a/b', '%'])('%j', (value) => {
    const q = put('status:error', 'user', value)
    expect(valuesIn(q, 'user')).toEqual([value])
    expect(valuesIn(without(q, partsOf(q).find((part) => part.field === 'status')!), 'user')).toEqual([value])
  })

  it('puts two lines together only where the list then looks for what both said', () => {
    expect(together('user:a', 'latency>3s refund')).toBe('user:a latency>3s refund')
    expect(together('', 'model:a')).toBe('model:a')
    expect(together('user:a', 'user:b')).toBeNull()
    expect(together('environment:prod', 'env:test')).toBeNull()
    expect(together('name:ask', 'model:a')).toBeNull() // another span may be of that model
  })
})
