import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as ask from '@/api/sql'
import type { Table } from '@/api/sql'
import { count, plural } from '@/lib/format'
import { quotedName } from '@/lib/sql-words'
import { Loaded } from '@/parts/states'
import { Fold } from '@/parts/text'

/** The tables and columns that can be asked; a press writes the name where the cursor stands. */
export function SchemaList({ insert }: { insert: (text: string) => void }) {
  const schema = useQuery(ask.schema)
  const [wanted, want] = useState('')
  return (
    <aside className="schema" aria-label="Tables">
      <Loaded query={schema}>
        {({ tables, functions, limits }) => (
          <>
            <TextInput size="xs" placeholder="Find a column" aria-label="Find a column" value={wanted} onChange={(event) => want(event.currentTarget.value)} />
            {tables.map((table, i) => <TableFold key={`${table.name} ${wanted !== ''}`} table={table} wanted={wanted.trim().toLowerCase()} open={wanted !== '' || i === 0} insert={insert} />)}
            <Fold title={plural(functions.length, 'function')}><p className="second small" style={{ overflowWrap: 'anywhere' }}>{functions.join(', ')}</p></Fold>
            <p className="quiet small">At most {count(limits.rows)} rows and {plural(limits.seconds, 'second')} a query. Times are UTC.</p>
          </>
        )}
      </Loaded>
    </aside>
  )
}

interface TableFoldProps {
  table: Table
  wanted: string
  open: boolean
  insert: (text: string) => void
}

function TableFold({ table, wanted, open, insert }: TableFoldProps) {
  const columns = table.columns.filter((column) => `${column.name} ${column.about}`.toLowerCase().includes(wanted))
  if (columns.length === 0) return null
  return (
    <Fold open={open} title={<><code>{table.name}</code> <span className="quiet small" style={{ fontWeight: 400 }}>{plural(columns.length, 'column')}</span></>}>
      <p className="second small">{table.about}</p>
      <ul>
        {columns.map((column) => (
          <li key={column.name}>
            <button type="button" onClick={() => insert(quotedName(column.name))} title={column.about || undefined}>
              <code>{column.name}</code> <span className="quiet small">{column.type.toLowerCase()}</span>
              {column.about && <span className="quiet small about">{column.about}</span>}
            </button>
          </li>
        ))}
      </ul>
    </Fold>
  )
}
