import { describe, expect, it } from 'vitest'
import { csv } from './csv'

describe('a table as CSV', () => {
  it('quotes what needs it, leaves unknown empty and runs nothing in a spreadsheet', () => {
    const rows = [['a "b", c', null, -1], ['=1+1', { x: 1 }, 'two\nlines']]
    expect(csv(['text', 'u', 'n'], rows)).toBe('text,u,n\r\n"a ""b"", c",,-1\r\n\'=1+1,"' + JSON.stringify({ x: 1 }, null, 2).replaceAll('"', '""') + '","two\nlines"\r\n')
  })
})
