import { NumberInput, type NumberInputProps } from '@mantine/core'
import { useState } from 'react'

interface NumberFieldProps extends Omit<NumberInputProps, 'value' | 'onChange' | 'onBlur'> {
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
    <NumberInput
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
