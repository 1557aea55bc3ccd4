import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/search'
import { Snippet } from '@/parts/copy'
import { usePages } from '@/parts/list'
import { Empty, Waiting } from '@/parts/states'

export function NothingFound({ clear }: { clear: () => void }) {
  return (
    <Empty title="No traces match these filters">
      <p className="second prose">All words must appear in the same text. To match the beginning of a word, end it with a star: <code>refun*</code>. Choose a longer time range or clear the filters.</p>
      <Button variant="default" onClick={clear}>Clear all filters</Button>
    </Empty>
  )
}

export function FirstTrace() {
  const origin = window.location.origin
  return (
    <div style={{ overflow: 'auto' }}>
      <Empty title="See every request your application makes: its steps, its messages and its cost">
        <p className="second prose">Choose how to send the first one, or let <Link to="/connect">the page for connecting</Link> generate the setup for your client, with its own key.</p>
        <h3>Python, with the SDK</h3>
        <p className="second prose">Install it from a checkout of Assay. The <code>assay-sdk</code> on PyPI is a different project.</p>
        <Snippet text={`pip install ./sdk\nexport ASSAY_URL=${origin} ASSAY_API_KEY=sk_…`} />
        <Snippet text={`import assay\nassay.init(service="support")\n\n@assay.observe\ndef answer(question): ...`} />
        <h3>Anything that speaks OpenTelemetry</h3>
        <Snippet text={`export OTEL_EXPORTER_OTLP_ENDPOINT=${origin}\nexport OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer sk_…"\nexport OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf`} />
        <h3>An OpenAI client, through the gateway</h3>
        <Snippet text={`export OPENAI_BASE_URL=${origin}/v1\nexport OPENAI_API_KEY=sk_…`} />
        <LiveWait />
      </Empty>
    </div>
  )
}

function LiveWait() {
  usePages({ ...ask.found({}), refetchInterval: 2_000 })
  return <Waiting>Waiting for the first trace… it will appear here automatically.</Waiting>
}
