import { IconEyeOff } from '@tabler/icons-react'
import { words } from '@/lib/format'
import { pieces } from '@/lib/text'

/** Placeholders of the scrubber as chips: one sees that something was there, and what kind it was. */
export function Scrubbed({ text, pii }: { text: string; pii?: string[] }) {
  return pieces(text, pii).map((piece, i) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      <span key={i} className="scrubbed" title="Scrubbed before it was stored">
        <IconEyeOff size={11} aria-hidden />
        {words(piece.label.toLowerCase())}
      </span>
    ),
  )
}
