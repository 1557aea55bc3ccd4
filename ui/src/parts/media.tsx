import { IconFile, IconPhoto, IconVolume } from '@tabler/icons-react'
import { useState } from 'react'
import { count } from '@/lib/format'
import { isSafePicture, type Media } from '@/lib/media'

/** An image, sound or file of a message. Only pictures that cannot run anything are shown, and nothing is fetched from elsewhere. */
export function MediaView({ media }: { media: Media }) {
  if (media.where === 'inline') return isSafePicture(media.type) ? <Picture src={media.src} type={media.type} /> : <Note type={media.type}>not shown: only PNG, JPEG, GIF and WebP are</Note>
  if (media.where === 'cut') return <Note type={media.type}>{count(media.characters)} characters, of which only kind and size were kept</Note>
  if (media.where === 'remote') {
    return (
      <Note type={media.type ?? 'image'}>
        lies elsewhere and is not fetched: <a href={media.url} target="_blank" rel="noreferrer noopener">open {hostOf(media.url)} in a new tab</a>
      </Note>
    )
  }
  const src = `/api/v1/media/${encodeURIComponent(media.id)}`
  if (isSafePicture(media.type)) return <Picture src={src} type={media.type} />
  if (media.type.startsWith('audio/')) return <audio controls preload="none" src={src} aria-label={media.type} />
  return <Note type={media.type}><a href={src} download>download it</a></Note>
}

function Picture({ src, type }: { src: string; type: string }) {
  const [broken, setBroken] = useState(false)
  if (broken) return <Note type={type}>cannot be shown: it is damaged, or no longer kept</Note>
  return (
    <a className="picture" href={src.startsWith('data:') ? undefined : src} target="_blank" rel="noreferrer">
      <img src={src} alt={`Part of the message, ${type}`} loading={src.startsWith('data:') ? 'eager' : 'lazy'} decoding="async" onError={() => setBroken(true)} />
    </a>
  )
}

function Note({ type, children }: { type: string; children: React.ReactNode }) {
  const Sign = type.startsWith('image') ? IconPhoto : type.startsWith('audio') ? IconVolume : IconFile
  return (
    <p className="line tight small second">
      <Sign size={14} stroke={1.8} aria-hidden /> <strong>{type}</strong> {children}
    </p>
  )
}

function hostOf(url: string): string {
  try {
    return new URL(url).host
  } catch {
    return 'it'
  }
}
