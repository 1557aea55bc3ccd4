import { Button, Modal, SegmentedControl } from '@mantine/core'
import { IconDownload } from '@tabler/icons-react'
import { useState } from 'react'
import { address, type Query } from '@/api/client'
import { useReturnedFocus } from '@/lib/focus'
import { Snippet } from '@/parts/copy'

const FORMATS = [{ value: 'jsonl', label: 'JSON Lines' }, { value: 'csv', label: 'CSV' }, { value: 'parquet', label: 'Parquet' }]
const ABOUT: Record<string, string> = {
  jsonl: 'One document per line, as returned by the API.',
  csv: 'One flat row each, nested values as JSON text. In a spreadsheet, import the columns as text.',
  parquet: 'One flat, typed row each, for DuckDB, pandas, Power BI or Metabase.',
}

/** Everything the search finds as a file: written while it is read, newest first, however much it is. */
export default function ExportTraces({ query, found, onClose }: { query: Query; found: string; onClose: () => void }) {
  useReturnedFocus()
  const [format, setFormat] = useState('jsonl')
  const path = address('/export/traces', { ...query, format })
  const file = `traces.${format}`
  return (
    <Modal opened onClose={onClose} title={<strong>Export traces</strong>} size="lg" closeButtonProps={{ 'aria-label': 'Close' }}>
      <div className="stack">
        <p><strong>{found}</strong> match the current search and time range. The file is streamed, newest first; traces that arrive meanwhile may be missing.</p>
        <div>
          <SegmentedControl size="xs" aria-label="Format" data={FORMATS} value={format} onChange={setFormat} />
          <p className="quiet small" style={{ marginTop: 4 }}>{ABOUT[format]}</p>
        </div>
        <div>
          <h3 style={{ marginBottom: 4 }}>The same from a terminal</h3>
          <Snippet text={`curl -H "Authorization: Bearer $ASSAY_API_KEY" \\\n  '${window.location.origin}${path.replaceAll("'", '%27')}' -o ${file}`} />
        </div>
        <p className="quiet small">Spans and scores: <code>assay export spans --to spans.jsonl</code>. On a schedule, to a folder or a bucket: <a href="/settings?tab=exports">the settings</a>.</p>
        <div className="line" style={{ justifyContent: 'flex-end' }}>
          <Button variant="default" onClick={onClose}>Cancel</Button>
          <Button component="a" href={path} download={file} leftSection={<IconDownload size={14} aria-hidden />}>Download</Button>
        </div>
      </div>
    </Modal>
  )
}
