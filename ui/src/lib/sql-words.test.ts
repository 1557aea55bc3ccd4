import { describe, expect, it } from 'vitest'
import { quotedName, wordsAt } from './sql-words'

const column = (name: string, about = '') => ({ name, type: 'VARCHAR', about })
const schema = {
  tables: [
    { name: 'spans', about: 'Every operation.', columns: [column('trace_id'), column('end', 'UTC')] },
    { name: 'scores', about: 'Judgements.', columns: [column('trace_id'), column('value')] },
  ],
  functions: ['avg'],
}
const labels = (before: string, query: string, type?: string) => wordsAt(before, query, schema).filter((word) => !type || word.type === type).map((word) => word.label)

describe('what can be written in a query', () => {
  it('is a table behind FROM and JOIN', () => {
    expect(labels('SELECT 1 FROM ', 'SELECT 1 FROM ')).toEqual(['spans', 'scores'])
    expect(labels('select * from spans join ', 'select * from spans join ')).toEqual(['spans', 'scores'])
  })

  it('is a column of the tables that are named, once', () => {
    expect(labels('SELECT ', 'SELECT  FROM scores', 'property')).toEqual(['trace_id', 'value'])
    expect(labels('SELECT ', 'SELECT ', 'property')).toEqual(['trace_id', 'end', 'value'])
    expect(labels('SELECT ', 'SELECT ')).toContain('GROUP')
  })

  it('is written as SQL takes it', () => {
    const [, end] = wordsAt('SELECT ', 'SELECT FROM spans', schema)
    expect(end).toEqual({ label: 'end', apply: '"end"', type: 'property', detail: 'varchar', info: 'UTC' })
    expect(wordsAt('SELECT ', '', schema).at(-1)).toEqual({ label: 'avg', apply: 'avg(', type: 'function' })
    expect([quotedName('user'), quotedName('model')]).toEqual(['"user"', 'model'])
  })
})
