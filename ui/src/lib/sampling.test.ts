import { expect, it } from 'vitest'
import { asPolicy, TAIL, unfinished } from './sampling'

it('sends a rate only where a share is kept, and no field without a value', () => {
  const held = [{ field: 'name', values: ['GET /healthz'] }, { field: 'kind', values: [] }]
  const policy = asPolicy([{ name: ' health ', held, action: 'drop', rate: 0.1 }, { name: 'rest', held: [], action: 'sample', rate: 0.1 }], TAIL)
  expect(policy.rules).toEqual([{ name: 'health', match: { name: ['GET /healthz'] }, action: 'drop' }, { name: 'rest', match: {}, action: 'sample', rate: 0.1 }])
  expect(policy.tail).toEqual(TAIL)
})

it('says what is missing', () => {
  const rule = { held: [], action: 'keep' as const }
  expect(unfinished([{ name: 'a', held: [{ field: 'model', values: [] }], action: 'drop' }])).toContain('Give model a value')
  expect(unfinished([{ ...rule, name: 'a' }, { ...rule, name: 'a' }])).toBe('Two rules have the name a.')
  expect(unfinished([{ ...rule, name: ' ' }])).toBe('Every rule needs a name.')
  expect(unfinished([])).toBeNull()
})
