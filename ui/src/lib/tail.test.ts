import { describe, expect, it } from 'vitest'
import { joined, type TailSpan } from './tail'

const span = (id: string) => ({ span_id: id }) as TailSpan

describe('rows of the live tail', () => {
  it('stand newest first and fall out at the end', () => {
    const rows = joined([span('c'), span('d')], [span('b'), span('a')], 3)
    expect(rows.map((row) => row.span_id)).toEqual(['d', 'c', 'b'])
  })
})
