import { IconSearch, IconX } from '@tabler/icons-react'
import { duration, plural } from '@/lib/format'
import { useAddress } from '@/lib/search'
import type { Loop } from '@/lib/trace'
import { useTyped } from '@/lib/typed'

interface TreeHeadProps {
  spans: number
  /** How many fit what was looked for; undefined where nothing was. */
  listed: number | undefined
  /** Milliseconds. */
  length: number
  loop: Loop | null
  node: string | undefined
}

/** What the tree is narrowed to, each to be taken away, and the scale of the times. */
export function TreeHead({ spans, listed, length, loop, node }: TreeHeadProps) {
  const [address, change] = useAddress()
  const [typed, type] = useTyped(address.find ?? '', (find) => change({ find: find || undefined }, true))
  return (
    <div className="tree-tools">
      <div className="line tight tree-filters">
        <label className="tree-find">
          <IconSearch size={13} stroke={1.8} aria-hidden />
          <input type="search" placeholder={`Find in ${plural(spans, 'span')}`} aria-label="Find spans by name, kind or model" value={typed} onChange={(event) => type(event.currentTarget.value)} />
        </label>
        <Toggle name="errors" set={address.only === 'errors'} onChange={(set) => change({ only: set ? 'errors' : undefined }, true)} />
        {loop && <Toggle name="the loop" set={address.only === 'loop'} onChange={(set) => change({ only: set ? 'loop' : undefined }, true)} />}
        <Toggle name="critical path" set={address.path === '1'} onChange={(set) => change({ path: set ? '1' : undefined }, true)} />
        {address.node && (
          <button type="button" className="filter" data-set="true" aria-label="Show all steps" onClick={() => change({ node: undefined }, true)}>
            <span className="cut">step: {node ?? address.node}</span> <IconX size={13} aria-hidden />
          </button>
        )}
        {listed !== undefined && <span className="quiet small" role="status">{plural(listed, 'span')} of {spans.toLocaleString('en-GB')}</span>}
      </div>
      <div className="tree-head">
        <span>{plural(spans, 'span')}</span>
        <div className="ticks" aria-hidden>
          {(length > 0 ? [0, 0.5, 1] : [0]).map((tick) => <span key={tick} style={{ left: `${tick * 100}%` }}>{duration(length * tick)}</span>)}
        </div>
      </div>
    </div>
  )
}

function Toggle({ name, set, onChange }: { name: string; set: boolean; onChange: (set: boolean) => void }) {
  return <button type="button" className="filter" data-set={set} aria-pressed={set} onClick={() => onChange(!set)}>{name}</button>
}
