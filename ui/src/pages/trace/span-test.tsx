import { Modal } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { spanTest } from '@/api/tracing'
import type { Span } from '@/api/types'
import { useReturnedFocus } from '@/lib/focus'
import { Snippet } from '@/parts/copy'
import { Loaded } from '@/parts/states'

/** The call as a pytest file: it asks the same again and compares with what was answered. */
export default function AsTest({ span, onClose }: { span: Span; onClose: () => void }) {
  useReturnedFocus()
  const test = useQuery({ queryKey: ['traces', span.trace_id, 'spans', span.span_id, 'test'], queryFn: () => spanTest(span.trace_id, span.span_id) })
  return (
    <Modal opened onClose={onClose} title={<strong>This call as a test</strong>} size="xl" closeButtonProps={{ 'aria-label': 'Close' }}>
      <Loaded query={test} lines={10}>
        {({ filename, source }) => (
          <div className="stack">
            <p className="second prose">Save it as <code>{filename}</code>. It needs pytest, Assay’s SDK (<code>pip install pytest ./sdk</code> in a checkout of Assay; the <code>assay-sdk</code> on PyPI is another project’s) and the variables <code>ASSAY_URL</code> and <code>ASSAY_API_KEY</code>, sends the same messages through the gateway and compares the answers.</p>
            <Snippet text={source} />
            <p><a className="second" download={filename} href={`data:text/x-python;charset=utf-8,${encodeURIComponent(source)}`}>Download {filename}</a></p>
          </div>
        )}
      </Loaded>
    </Modal>
  )
}
