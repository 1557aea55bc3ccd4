/** What a person wrote: its lines stay, and the addresses in it lead there. */
export function Linked({ text }: { text: string }) {
  return (
    <p className="prose second" style={{ whiteSpace: 'pre-line', overflowWrap: 'anywhere' }}>
      {text.split(ADDRESS).map((piece, i) => (i % 2 ? <a key={i} href={piece} target="_blank" rel="noreferrer">{piece}</a> : piece))}
    </p>
  )
}

/** Of the web alone, without the sign that ends the sentence. */
const ADDRESS = /(https?:\/\/[^\s<>"')\]]*[^\s<>"')\].,;:!?])/
