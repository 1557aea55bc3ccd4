import { TextInput, type TextInputProps } from '@mantine/core'
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react'
import { type FocusEvent, type KeyboardEvent, useEffect, useRef, useState } from 'react'
import { begun, type Bounds, read, refusal, stepped } from '@/lib/bounds'

interface FieldProps extends Omit<TextInputProps, 'value' | 'onChange' | 'min' | 'max' | 'step'>, Bounds {
  /** What the arrow keys add and take away. */
  step?: number
  /** The unit, behind the number. */
  suffix?: string
  /** Whether thousands stand apart while nobody types. */
  grouped?: boolean
  /** Without buttons for the steps. */
  hideControls?: boolean
}

interface NumberBoxProps extends FieldProps {
  value: number | string
  /** The number that was typed, an empty text, or a text that is no number, which the form does not send. */
  onChange: (value: number | string) => void
}

/** What is typed stands as it is: what is no number, or is out of bounds, is told why, and its form is not sent. */
export function NumberBox({ value, onChange, min, max, whole, decimals, step = 1, suffix, grouped, hideControls, error, onBlur, ...rest }: NumberBoxProps) {
  const field = useRef<HTMLInputElement>(null)
  const [typed, setTyped] = useState<{ text: string; means: number | null } | null>(null)
  const [typing, setTyping] = useState(false)
  const now = typeof value === 'string' ? read(value, { whole }) : value
  const mine = typed !== null && Object.is(typed.means, now) // somebody else may have changed it since
  const text = mine ? typed.text : shownAs(value, grouped)
  const wrong = refusal(text, { min, max, whole, decimals: mine ? decimals : undefined }) // what is finer already may stay
  useEffect(() => field.current?.setCustomValidity(wrong ?? ''), [wrong])
  const type = (next: string) => {
    const means = read(next, { whole })
    setTyped({ text: next, means })
    setTyping(true)
    onChange(means === null || Number.isNaN(means) ? next.trim() : means)
  }
  const move = (by: number) => onChange(stepped(now, by, { min, max }))
  const keys = (event: KeyboardEvent) => {
    if (rest.disabled || (event.key !== 'ArrowUp' && event.key !== 'ArrowDown')) return
    event.preventDefault()
    move(event.key === 'ArrowUp' ? step : -step)
  }
  const left = (event: FocusEvent<HTMLInputElement>) => {
    setTyping(false)
    if (!wrong && grouped) setTyped(null)
    onBlur?.(event)
  }
  return (
    <TextInput
      inputMode="decimal"
      autoComplete="off"
      rightSection={hideControls || rest.disabled ? suffix : <Steps suffix={suffix} onUp={() => move(step)} onDown={() => move(-step)} />}
      rightSectionWidth={suffix ? '2.8rem' : '1.5rem'}
      {...rest}
      ref={field}
      value={text}
      onChange={(event) => type(event.currentTarget.value)}
      onKeyDown={keys}
      onBlur={left}
      error={(typing && begun(text) ? null : wrong) ?? error}
    />
  )
}

const shownAs = (value: number | string, grouped?: boolean) => (typeof value === 'number' && grouped && Number.isFinite(value) ? value.toLocaleString('en-GB') : `${value}`)

/** For the mouse: keys have the arrows. */
function Steps({ suffix, onUp, onDown }: { suffix?: string; onUp: () => void; onDown: () => void }) {
  return (
    <span className="steps" aria-hidden>
      {suffix && <span className="quiet small">{suffix}</span>}
      <span>
        <button type="button" tabIndex={-1} onClick={onUp}><IconChevronUp size={12} /></button>
        <button type="button" tabIndex={-1} onClick={onDown}><IconChevronDown size={12} /></button>
      </span>
    </span>
  )
}

interface NumberFieldProps extends Omit<FieldProps, 'onBlur'> {
  value: number | null
  onChange: (value: number | null) => void
  /** What an empty field means; null unless told otherwise. */
  empty?: number
}

/** A number that is there all the time: what is none yet stands as it was typed, and the number before it holds. */
export function NumberField({ value, onChange, empty, ...rest }: NumberFieldProps) {
  const [held, hold] = useState<{ text: string; beside: number | null } | null>(null)
  const type = (next: number | string) => {
    const means = next === '' ? (empty ?? null) : typeof next === 'string' ? value : next
    hold(typeof next === 'string' ? { text: next, beside: means } : null)
    if (means !== value) onChange(means)
  }
  return <NumberBox {...rest} value={held && Object.is(held.beside, value) ? held.text : (value ?? '')} onChange={type} onBlur={() => held?.text === '' && hold(null)} />
}
