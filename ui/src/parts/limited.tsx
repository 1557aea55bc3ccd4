import { Textarea, type TextareaProps, TextInput, type TextInputProps } from '@mantine/core'
import { type RefObject, useEffect, useRef } from 'react'
import { tooLong } from '@/lib/length'

interface Limit {
  value: string
  /** As many characters as the server takes. */
  most: number
}

/** Said while it is typed; the form is not sent, and nothing that was pasted is cut off. */
function useLimit<T extends HTMLInputElement | HTMLTextAreaElement>({ value, most }: Limit): [RefObject<T | null>, string | null] {
  const field = useRef<T>(null)
  const wrong = tooLong(value, most)
  useEffect(() => field.current?.setCustomValidity(wrong ?? ''), [wrong])
  return [field, wrong]
}

export function LimitedInput({ value, most, error, ...rest }: Omit<TextInputProps, 'value'> & Limit) {
  const [field, wrong] = useLimit<HTMLInputElement>({ value, most })
  return <TextInput {...rest} ref={field} value={value} error={wrong ?? error} />
}

export function LimitedTextarea({ value, most, error, ...rest }: Omit<TextareaProps, 'value'> & Limit) {
  const [field, wrong] = useLimit<HTMLTextAreaElement>({ value, most })
  return <Textarea {...rest} ref={field} value={value} error={wrong ?? error} />
}
