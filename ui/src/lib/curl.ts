/** A model call as the chat completion that asks the same again, as the server makes it of whichever convention it came in. */
export interface Again {
  body: Record<string, unknown>
  /** Pictures and files whose content the span does not hold. */
  left_out: number
}

/** The same as a command for a terminal. */
export function asCurl({ body, left_out: leftOut }: Again, origin: string): string {
  return [
    ...(leftOut ? [`# ${leftOut === 1 ? 'A picture or file is' : `${leftOut} pictures or files are`} left out: their content is not stored in the span.`] : []),
    `curl ${origin}/v1/chat/completions \\`,
    `  -H "Authorization: Bearer $ASSAY_API_KEY" \\`,
    `  -H "Content-Type: application/json" \\`,
    ...given(JSON.stringify(body, null, 2)),
  ].join('\n')
}

/** No shell passes on an argument of more than 128 kB. No line of JSON is `BODY` alone. */
const given = (body: string) => (new Blob([body]).size < 120_000 ? [`  -d ${quoted(body)}`] : [`  --data-binary @- <<'BODY'`, body, 'BODY'])

/** Single quotes for POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
