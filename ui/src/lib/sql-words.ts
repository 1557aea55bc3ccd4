import type { Schema } from '@/api/sql'

/** What can be written at a place of a query: names of the schema, and the words of SQL. */

export const KEYWORDS = (
  'select from where group by order having limit offset with recursive as on using join left right full inner cross lateral union all except intersect ' +
  'distinct case when then else end and or not in is null like ilike between exists interval asc desc nulls first last over partition filter qualify ' +
  'window rows range preceding following current row unbounded values cast try_cast true false unnest'
).split(' ')

export interface Word {
  label: string
  /** How it is written where that is not its label. */
  apply?: string
  type: 'property' | 'class' | 'function' | 'keyword'
  detail?: string
  info?: string
}

/** Words of SQL that are names of columns here. */
const RESERVED = new Set(['user', 'end', 'session', 'release', 'repeat'])

export const quotedName = (name: string) => (RESERVED.has(name) ? `"${name}"` : name)

/** Tables behind FROM and JOIN; elsewhere the columns of the tables that the query names (of all, where it names none), functions and keywords. */
export function wordsAt(before: string, query: string, schema: Pick<Schema, 'tables' | 'functions'>): Word[] {
  const tables = schema.tables.map((table): Word => ({ label: table.name, type: 'class', info: table.about }))
  if (/\b(from|join)\s+$/i.test(before)) return tables
  const named = schema.tables.filter((table) => new RegExp(`\\b${table.name}\\b`, 'i').test(query))
  const columns = new Map<string, Word>()
  for (const table of named.length ? named : schema.tables) {
    for (const { name, type, about } of table.columns) {
      if (!columns.has(name)) columns.set(name, { label: name, apply: quotedName(name), type: 'property', detail: type.toLowerCase(), ...(about && { info: about }) })
    }
  }
  const functions = schema.functions.map((name): Word => ({ label: name, apply: `${name}(`, type: 'function' }))
  const keywords = KEYWORDS.map((word): Word => ({ label: word.toUpperCase(), type: 'keyword' }))
  return [...columns.values(), ...tables, ...keywords, ...functions]
}
