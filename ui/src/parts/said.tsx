/** A sentence of the server: a figure in it is never torn from its sign or its unit. */
export function Said({ text }: { text: string }) {
  return <>{text.split(FIGURE).map((piece, i) => (i % 2 ? <span key={i} className="nowrap">{piece}</span> : piece))}</>
}

const FIGURE = /([−+]?\$[\d.,]*\d|[−+]?[\d.,]*\d (?:%|ms|s|min|h|d)(?![\w]))/
