import { Autocomplete } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Problem, post } from '@/api/client'
import * as ask from '@/api/queries'
import type { Dataset } from '@/api/types'
import { plural } from '@/lib/format'
import { usePages } from './list'

/** A golden set that is there, of which a new version is made, or a new one. */
export function DatasetName({ value, onChange }: { value: string; onChange: (name: string) => void }) {
  const datasets = usePages<Dataset>(ask.datasets()).rows
  const known = datasets.find((one) => one.name === value.trim())
  const becomes = known ? `Creates a new version: v${known.version + 1}. Earlier versions stay unchanged.` : value.trim() ? 'Creates a new dataset with this name.' : 'An existing dataset or a new name.'
  return <Autocomplete label="Dataset" description={becomes} required data={[...new Set(datasets.map((one) => one.name))]} value={value} onChange={onChange} autoFocus />
}

/** Puts items into it, behind those of its newest version, and says so. `what`: how they are called, as `it`. */
export function useAddItems(what: string, onDone: () => void) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ name, items }: { name: string; items: unknown[] }) => put(name.trim(), items),
    onSuccess: async (made) => {
      await client.invalidateQueries({ queryKey: ['datasets'] })
      notifications.show({ message: `${made.name} v${made.version} holds ${what}: ${plural(made.items, 'item')}.`, autoClose: 6000 })
      onDone()
    },
  })
}

async function put(name: string, items: unknown[]): Promise<Dataset> {
  try {
    return await post<Dataset>(`/datasets/${name.split('/').map(encodeURIComponent).join('/')}/items`, { items })
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 404) throw error
    return post<Dataset>('/datasets', { name, items })
  }
}
