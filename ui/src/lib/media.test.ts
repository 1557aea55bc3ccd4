import { describe, expect, it } from 'vitest'
import { isSafePicture, isSound, mediaOf, withoutMedia } from './media'

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB'

describe('mediaOf', () => {
  it('reads every convention', () => {
    const src = `data:image/png;base64,${PNG}`
    expect(mediaOf({ type: 'image_url', image_url: { url: src } })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'input_image', image_url: src })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG } })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'blob', mime_type: 'image/png', content: PNG })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ inline_data: { mime_type: 'image/png', data: PNG } } as never)).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'image', content: { url: src } })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'file', data: PNG, mediaType: 'image/png' })).toEqual({ where: 'inline', type: 'image/png', src })
    expect(mediaOf({ type: 'input_audio', input_audio: { data: PNG, format: 'mp3' } })).toEqual({ where: 'inline', type: 'audio/mpeg', src: `data:audio/mpeg;base64,${PNG}` })
    expect(mediaOf({ type: 'image_url', image_url: { url: 'https://example.org/a.png' } })).toEqual({ where: 'remote', type: null, url: 'https://example.org/a.png' })
    expect(mediaOf({ type: 'image_url', image_url: { url: 'data:image/png;base64,(91234 characters)' } })).toEqual({ where: 'cut', type: 'image/png', characters: 91234 })
    expect(mediaOf({ type: 'image', image: '@@@langfuseMedia:type=audio/wav|id=ab-1_2|source=bytes@@@' })).toEqual({ where: 'stored', type: 'audio/wav', id: 'ab-1_2' })
  })

  it('knows what MLflow took out of a span', () => {
    const address = 'mlflow-attachment://0c3ecf7e-7b0f?content_type=image%2Fpng&trace_id=tr-0af7&size=68'
    expect(mediaOf({ type: 'image_url', image_url: { url: address } })).toEqual({ where: 'stored', type: 'image/png', id: '0c3ecf7e-7b0f' })
    expect(withoutMedia(`See ${address}, please`)).toEqual(['See , please', [{ where: 'stored', type: 'image/png', id: '0c3ecf7e-7b0f' }]])
    const [, svg] = withoutMedia('mlflow-attachment://a?content_type=image%2Fsvg%2Bxml&trace_id=tr-0af7')
    expect(svg).toEqual([{ where: 'stored', type: 'image/svg+xml', id: 'a' }])
    expect(mediaOf({ type: 'image_url', image_url: { url: 'mlflow-attachment://0c3ecf7e' } })).toBeNull()
  })

  it('takes nothing that could run, and nothing it does not know', () => {
    expect(mediaOf({ type: 'image_url', image_url: { url: 'javascript:alert(1)' } })).toBeNull()
    expect(mediaOf({ type: 'image_url', image_url: { url: 'data:text/html,<script>' } })).toBeNull()
    expect(mediaOf({ type: 'weather', degrees: 7 })).toBeNull()
    expect(['image/png', 'image/svg+xml', 'text/html', null].map(isSafePicture)).toEqual([true, false, false, false])
    expect(['audio/wav', 'audio/x-m4a', 'audio/x+xml', 'video/mp4'].map(isSound)).toEqual([true, true, false, false])
  })

  it('takes stored media out of a text', () => {
    const [rest, found] = withoutMedia('Look: @@@langfuseMedia:type=image/png|id=x|source=bytes@@@ nice')
    expect(rest).toBe('Look:  nice')
    expect(found).toEqual([{ where: 'stored', type: 'image/png', id: 'x' }])
  })
})
