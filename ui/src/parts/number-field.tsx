import { NumberInput, type NumberInputProps } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { type Bounds, refusal } from '@/lib/bounds'

interface NumberBoxProps extends Omit<NumberInputProps, 'min' | 'max' | 'clampBehavior' | 'allowDecimal'>, Bounds {}

/** What is typed stands as it is: out of bounds it says what is allowed, and its form is not sent. */
export function NumberBox({ min, max, whole, error, ...rest }: NumberBoxProps) {
  const field = useRef<HTMLInputElement>(null)
  const wrong = refusal(rest.value, { min, max, whole })
  useEffect(() => field.current?.setCustomValidity(wrong ?? ''), [wrong])
  return <NumberInput {...rest} ref={field} min={min} max={max} clampBehavior="none" error={wrong ?? error} />
}

interface NumberFieldProps extends Omit<NumberBoxProps, 'value' | 'onChange' | 'onBlur'> {
  value: number | null
  onChange: (value: number | null) => void
  /** What an empty field means; null unless told otherwise. */
  empty?: number
}

/** A number while it is typed: `0.0`, on the way to `0.05`, stands as it was typed, whatever number it is. */
export function NumberField({ value, onChange, empty, ...rest }: NumberFieldProps) {
  const [typed, setTyped] = useState<number | string>(value ?? '')
  const meant = (text: number | string) => (text === '' || Number.isNaN(Number(text)) ? (empty ?? null) : Number(text))
  return (
    <NumberBox
      {...rest}
      value={meant(typed) === value ? typed : (value ?? '')}
      onChange={(next) => {
        setTyped(next)
        onChange(meant(next))
      }}
      onBlur={() => typed === '' && value !== null && setTyped(value)}
    />
  )
}
