import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'

const WRITERS = new Set(['admin', 'editor'])

/** What the signed-in role may do; controls that it may not use say why instead of failing: `why` is null where it may write. */
export function useAccess(): { write: boolean; admin: boolean; why: string | null; actor: string | null } {
  const { data } = useQuery(ask.info)
  const role = data?.role ?? null
  const write = role !== null && WRITERS.has(role)
  return {
    write,
    admin: role === 'admin',
    actor: data?.actor ?? null,
    why: write ? null : `Your role is ${role ?? 'unknown'}: it can view but not change this. Ask an admin of this project.`,
  }
}
