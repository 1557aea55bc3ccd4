import { IconFile, IconPhoto, IconVolume } from '@tabler/icons-react'
import { useState } from 'react'
import { count } from '@/lib/format'
import { isSafePicture, isSound, type Media } from '@/lib/media'

/** An image, sound or file of a message. Only what cannot run anything is shown, and nothing is fetched from elsewhere. */
export function MediaView({ media }: { media: Media }) {
  if (media.where === 'inline') return <Shown src={media.src} type={media.type}>not shown: only PNG, JPEG, GIF, WebP and sound are</Shown>
  if (media.where === 'cut') return <Note type={media.type}>{count(media.characters)} characters, of which only kind and size were kept</Note>
  if (media.where === 'remote') {
    return (
      <Note type={media.type ?? 'image'}>
        lies elsewhere and is not fetched: <a href={media.url} target="_blank" rel="noreferrer noopener">open {hostOf(media.url)} in a new tab</a>
      </Note>
    )
  }
  const src = `/api/v1/media/${encodeURIComponent(media.id)}`
  return <Shown src={src} type={media.type}><a href={src} download>download it</a></Shown>
}

/** `children`: what is said of anything that is not shown. */
function Shown({ src, type, children }: { src: string; type: string; children: React.ReactNode }) {
  if (isSafePicture(type)) return <Picture src={src} type={type} />
  if (isSound(type)) return <Sound src={src} type={type} />
  return <Note type={type}>{children}</Note>
}

function Sound({ src, type }: { src: string; type: string }) {
  const [broken, setBroken] = useState(false)
  if (broken) return <Note type={type}>cannot be played: it is damaged, or no longer kept</Note>
  return <audio controls preload="metadata" src={src} aria-label={`Part of the message, ${type}`} onError={() => setBroken(true)} />
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
