import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import * as ask from '@/api/queries'
import type { OutlinedTrace } from '@/api/tracing'
import { plural } from '@/lib/format'
import { Copy } from '@/parts/copy'
import { Json } from '@/parts/json'
import { Section } from '@/parts/page'
import { Loaded } from '@/parts/states'

const AT_ONCE = 300
const MOST = 20_000 // that the API answers in one piece

/** The trace as the API answers it; a long one is asked for first, since it may weigh many megabytes. */
export default function TraceRaw({ trace }: { trace: OutlinedTrace }) {
  const [asked, setAsked] = useState(trace.spans.length <= AT_ONCE)
  const whole = useQuery({ ...ask.trace(trace.trace_id), enabled: asked })
  const address = `/api/v1/traces/${trace.trace_id}`
  if (trace.spans.length > MOST) {
    return (
      <div className="state">
        <p className="second prose">{plural(trace.spans.length, 'span')} are too many for one response. The tree shows the texts of single spans, and you can download all of them as a file, one span per line.</p>
        <a href={`/api/v1/export/spans?trace_id=${trace.trace_id}`} download={`${trace.trace_id}.jsonl`}>Download the spans</a>
      </div>
    )
  }
  if (!asked) {
    return (
      <div className="state">
        <p className="second prose">The whole trace with the texts of {plural(trace.spans.length, 'span')} may be many megabytes. The tree shows the texts of single spans.</p>
        <div className="line"><Button variant="default" onClick={() => setAsked(true)}>Load it here</Button><a href={address} download={`${trace.trace_id}.json`}>Download it</a></div>
      </div>
    )
  }
  return (
    <Section title="As returned by the API" note={<code>GET {address}</code>} end={<a href={address} download={`${trace.trace_id}.json`}>Download</a>}>
      <Loaded query={whole} lines={12}>{(found) => <><Copy text={() => JSON.stringify(found, null, 2)}>Copy all of it</Copy><Json value={found} /></>}</Loaded>
    </Section>
  )
}
