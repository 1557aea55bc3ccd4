import { expect, test } from 'vitest'
import { ordered, orderOf, writtenOrder } from './order'

test('an order is read as it is written', () => {
  for (const text of ['latency:desc', 'start:asc', 'score.a:b:desc']) expect(writtenOrder(orderOf(text)!)).toBe(text)
  expect(orderOf('score.a:b:desc')).toEqual({ by: 'score.a:b', descending: true })
})

test('what is no order is none', () => {
  for (const text of [undefined, '', 'latency', 'latency:', ':desc', 'latency:down']) expect(orderOf(text)).toBeUndefined()
})

test('a field asked for again turns round, and then lets go', () => {
  const first = ordered('cost', { by: 'latency', descending: false })
  expect(first).toEqual({ by: 'cost', descending: true })
  const second = ordered('cost', first)
  expect(second).toEqual({ by: 'cost', descending: false })
  expect(ordered('cost', second)).toBeUndefined()
})
