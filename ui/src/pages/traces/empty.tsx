import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import * as ask from '@/api/search'
import { Snippet } from '@/parts/copy'
import { usePages } from '@/parts/list'
import { Empty, Waiting } from '@/parts/states'

export function NothingFound({ clear }: { clear: () => void }) {
  return (
    <Empty title="No trace matches these filters">
      <p className="second prose">Traces that match will appear here. All words must stand in one text, and part of a word finds nothing but with a star at its end: <code>refun*</code>. Widen the time range, or start anew.</p>
      <Button variant="default" onClick={clear}>Clear all filters</Button>
    </Empty>
  )
}

export function FirstTrace() {
  const origin = window.location.origin
  return (
    <div style={{ overflow: 'auto' }}>
      <Empty title="Here you will see every request your application makes: its steps, what was said, what it cost">
        <p className="second prose">Take the way that suits you, or let <Link to="/connect">the page for connecting</Link> write the lines for your client, with a key of its own.</p>
        <h3>Python, with the SDK</h3>
        <p className="second prose">Install it from a checkout of Assay. The <code>assay-sdk</code> on PyPI is another project’s.</p>
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
  return <Waiting>Waiting for the first one… this page shows it by itself.</Waiting>
}
