import { Button } from '@mantine/core'
import { lazy, Suspense } from 'react'
import { spanRequest } from '@/api/tracing'
import type { Score, Span } from '@/api/types'
import { asCurl } from '@/lib/curl'
import { useAddress } from '@/lib/search'
import { Copy } from '@/parts/copy'
import { useAccess } from '@/shell/access'

const AddToDataset = lazy(() => import('./span-dataset'))
const AsTest = lazy(() => import('./span-test'))
const ScoreForm = lazy(() => import('./score-form'))

/** A call to judge, and to take along: as a command, a row of a golden set, a test, a link. */
export function CopyMenu({ span, scores }: { span: Span; scores: Score[] }) {
  const [address, change] = useAddress()
  const access = useAccess()
  const curl = async () => asCurl(await spanRequest(span.trace_id, span.span_id), window.location.origin)
  const asked = span.kind === 'llm' && Array.isArray(span.input)
  const close = () => change({ do: undefined }, true)
  const link = () => {
    const url = new URL(window.location.href)
    url.searchParams.set('span', span.span_id)
    return url.toString()
  }
  return (
    <>
      {access.write && <Button variant="default" size="compact-xs" onClick={() => change({ span: span.span_id, do: 'score' })}>Score…</Button>}
      {asked && <Copy text={curl} label="Copy this call as a curl command">cURL</Copy>}
      {(span.input !== null || span.output !== null) && <Button variant="default" size="compact-xs" onClick={() => change({ span: span.span_id, do: 'dataset' })}>Dataset item…</Button>}
      {asked && <Button variant="default" size="compact-xs" onClick={() => change({ span: span.span_id, do: 'test' })}>Test…</Button>}
      <Copy text={link} label="Copy a link to this span">Link</Copy>
      <Suspense>
        {address.do === 'score' && access.write && <ScoreForm subject={{ trace_id: span.trace_id, span_id: span.span_id }} called={span.name} scores={scores} onClose={close} />}
        {address.do === 'dataset' && <AddToDataset span={span} onClose={close} />}
        {address.do === 'test' && asked && <AsTest span={span} onClose={close} />}
      </Suspense>
    </>
  )
}
