import { Button, type ButtonProps, Menu, Tooltip } from '@mantine/core'
import { type ComponentPropsWithoutRef, type ReactNode, useId } from 'react'

type Reasoned = { why: string | null | undefined }

/**
 * A button that cannot be pressed and says why. A disabled one is passed over by Tab and by screen readers, and its title is for
 * the mouse alone: this one can be come to, has its reason as its description, and does nothing. `disabled` stays for what the
 * page itself shows, such as an empty field.
 */
export function ReasonedButton({ why, disabled, onClick, ...props }: Reasoned & ButtonProps & ComponentPropsWithoutRef<'button'>) {
  const id = useId()
  if (!why) return <Button {...props} disabled={disabled} onClick={onClick} />
  return (
    <Tooltip label={why} multiline maw={360} events={{ hover: true, focus: true, touch: true }}>
      <span>
        <Button {...props} data-disabled aria-disabled aria-describedby={id} onClick={(event) => event.preventDefault()} />
        <span id={id} hidden>{why}</span>
      </span>
    </Tooltip>
  )
}

/** The same in a menu, where the reason is a part of the words. */
export function ReasonedItem({ why, onClick, children }: Reasoned & { onClick: () => void; children: ReactNode }) {
  if (!why) return <Menu.Item onClick={onClick}>{children}</Menu.Item>
  return (
    <Menu.Item aria-disabled closeMenuOnClick={false}>
      <span className="quiet">{children}</span> <span className="under" style={{ whiteSpace: 'normal' }}>{why}</span>
    </Menu.Item>
  )
}
