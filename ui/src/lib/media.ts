import type { MessagePart } from '@/api/types'

/** An image, sound or file inside a message: where it is, and whether a page may show it by itself. */
export type Media =
  | { where: 'inline'; type: string; src: string }
  | { where: 'stored'; type: string; id: string }
  | { where: 'remote'; type: string | null; url: string }
  /** Only its kind and size were kept. */
  | { where: 'cut'; type: string; characters: number }

/** Pictures that cannot run anything. SVG can. */
const SAFE = /^image\/(png|jpeg|gif|webp)$/

const STORED = /@@@langfuseMedia:type=([\w.+-]+\/[\w.+-]+)\|id=([\w-]+)\|source=\w+@@@/
const ATTACHED = /mlflow-attachment:\/\/([\w-]+)\?content_type=([\w.+-]+)%2F((?:[\w.-]|%2B)+)&[\w=&%.+-]*/
const CUT = /^data:([\w.+-]+\/[\w.+-]+);base64,\((\d+) characters\)$/
const INLINE = /^data:([\w.+-]+\/[\w.+-]+);base64,[A-Za-z0-9+/=_-]+$/

export const isSafePicture = (type: string | null) => type !== null && SAFE.test(type)

/** Sound that a page may play: no XML, whatever it says it holds. */
export const isSound = (type: string) => /^audio\/[\w.-]+$/.test(type)

/** The media of a part of a message, in whichever convention; null where it holds none. */
export function mediaOf(part: MessagePart): Media | null {
  const image = part.image_url ?? part.image ?? part.source ?? part.inline_data ?? part.inlineData ?? part.input_audio ?? part.file ?? part.content ?? part.url ?? part.data
  const told = typeof image === 'object' && image !== null ? (image as Record<string, unknown>) : { url: image }
  const address = [told.url, told.uri, told.data, told.file_data].find((one) => typeof one === 'string')
  if (typeof address !== 'string') return null
  return read(address, typeOf(told) ?? typeOf(part))
}

/** OpenAI tells of sound only its format: `wav`, `mp3`. */
function typeOf(told: Record<string, unknown>): string | null {
  const type = [told.media_type, told.mime_type, told.mediaType, told.mimeType].find((one) => typeof one === 'string')
  if (typeof type === 'string') return type
  return typeof told.format === 'string' ? `audio/${told.format === 'mp3' ? 'mpeg' : told.format}` : null
}

function read(address: string, type: string | null): Media | null {
  const stored = STORED.exec(address)
  if (stored) return { where: 'stored', type: stored[1]!, id: stored[2]! }
  const attached = ATTACHED.exec(address)
  if (attached) return { where: 'stored', type: `${attached[2]}/${decodeURIComponent(attached[3]!)}`, id: attached[1]! }
  const cut = CUT.exec(address)
  if (cut) return { where: 'cut', type: cut[1]!, characters: Number(cut[2]) }
  const inline = INLINE.exec(address)
  if (inline) return { where: 'inline', type: inline[1]!, src: address }
  if (/^https?:\/\//.test(address)) return { where: 'remote', type, url: address }
  if (type && /^[A-Za-z0-9+/]{16,}={0,2}$/.test(address)) return { where: 'inline', type, src: `data:${type};base64,${address}` }
  return null
}

/** A text with the stored media inside it taken out: what is left of the text, and the media in their order. */
export function withoutMedia(text: string): [string, Media[]] {
  const found: Media[] = []
  const rest = text.replaceAll(new RegExp(`${STORED.source}|${ATTACHED.source}`, 'g'), (whole) => {
    found.push(read(whole, null)!)
    return ''
  })
  return [rest.trim(), found]
}
