import { Button, Menu, TextInput } from '@mantine/core'
import { IconArrowsDiff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { type OutlinedTrace, tracesBefore } from '@/api/tracing'
import { duration } from '@/lib/format'
import { Time } from '@/parts/values'

/** The way to another trace beside this one: the ones of the same kind before it, or one by its id. */
export function CompareMenu({ trace }: { trace: OutlinedTrace }) {
  const [opened, setOpened] = useState(false)
  const before = useQuery({ ...tracesBefore(trace.name, trace.start), enabled: opened })
  const same = before.data?.items.filter((row) => row.name === trace.name && row.trace_id !== trace.trace_id).slice(0, 5)
  return (
    <Menu opened={opened} onChange={setOpened} position="bottom-end" width={340}>
      <Menu.Target><Button variant="default" size="compact-sm" leftSection={<IconArrowsDiff size={14} aria-hidden />}>Compare</Button></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>With an earlier trace of the same kind</Menu.Label>
        {same?.map((row) => (
          <Menu.Item key={row.trace_id} component={Link} {...({ to: '/traces/compare', search: { a: row.trace_id, b: trace.trace_id } } as object)}>
            <span className="line tight" style={{ flexWrap: 'nowrap' }}><Time at={row.start} /> <span className="quiet">{duration(row.latency_ms)}</span> {row.errors > 0 && <span className="bad">failed</span>} <span className="cut quiet">{row.input}</span></span>
          </Menu.Item>
        ))}
        {same?.length === 0 && <Menu.Item disabled>There is no earlier one</Menu.Item>}
        <Menu.Divider />
        <OtherId trace={trace.trace_id} />
      </Menu.Dropdown>
    </Menu>
  )
}

function OtherId({ trace }: { trace: string }) {
  const [other, setOther] = useState('')
  const navigate = useNavigate()
  const go = (event: FormEvent) => {
    event.preventDefault()
    void navigate({ to: '/traces/compare', search: { a: other.trim().toLowerCase(), b: trace } })
  }
  return (
    <form onSubmit={go} style={{ padding: '0.35rem 0.6rem' }}>
      <TextInput size="xs" label="With another, by its id" placeholder="trace id" value={other} onChange={(event) => setOther(event.currentTarget.value)} />
    </form>
  )
}
