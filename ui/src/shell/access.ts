import { useQuery } from '@tanstack/react-query'
import * as ask from '@/api/queries'

const WRITERS = new Set(['admin', 'editor'])

/** What the signed-in role may do; controls that it may not use say why instead of failing. */
export function useAccess(): { write: boolean; admin: boolean; why: string; actor: string | null } {
  const { data } = useQuery(ask.info)
  const role = data?.role ?? null
  return {
    write: role !== null && WRITERS.has(role),
    admin: role === 'admin',
    actor: data?.actor ?? null,
    why: `Your role is ${role ?? 'unknown'}: it may look, not change. Ask an admin of this project.`,
  }
}
