import { Button, Checkbox } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { request, type Tagged } from '@/api/client'
import * as ask from '@/api/forwarding'
import type { Flags } from '@/api/forwarding'
import { capital, plural } from '@/lib/format'
import { portion } from '@/lib/money'
import { ReasonDialog } from '@/parts/dialog'
import { NumberBox } from '@/parts/number-field'
import { Section } from '@/parts/page'
import { Loaded } from '@/parts/states'
import { Person, Time } from '@/parts/values'
import { useAccess } from '@/shell/access'

const SAYS: Record<string, string> = {
  toxicity: 'Offensive wording in English, 0 to 1, lower is better. A word-based model: it finds insults and swearing, not politely worded hate.',
  groundedness: 'How much of an answer’s wording appears in the documents its trace retrieved, higher is better. Word overlap, not entailment.',
}

/** Which checks look at live traffic by themselves. */
export default function FlagSettings() {
  const flags = useQuery(ask.flags)
  return <Loaded query={flags} lines={5}>{(found) => <Held flags={found} />}</Loaded>
}

function Held({ flags }: { flags: Tagged<Flags> }) {
  const access = useAccess()
  const [changing, change] = useState(false)
  const { scored, skipped, dropped } = flags.today
  const on = flags.checks.length > 0
  return (
    <Section title="Flags" note={flags.updated_at && <>set <Time at={flags.updated_at} /> by <Person actor={flags.updated_by} /></>} end={access.admin && <Button size="xs" onClick={() => change(true)}>Change…</Button>}>
      <p className="lead">{on ? `${capital(flags.checks.join(' and '))} on ${portion(flags.share)} of the traces.` : 'No check runs on incoming traces.'}</p>
      <p className="second prose">Checks run on the answers of model calls once they are stored, without calling a model, and write scores with source code. The scores appear on the trace and in the Quality dashboard.</p>
      <dl className="facts list">
        {flags.available.map((name) => <div key={name}><dt>{capital(name)}</dt><dd>{flags.checks.includes(name) ? 'On. ' : 'Off. '}{SAYS[name]}</dd></div>)}
      </dl>
      {on && <p className="second">Today (UTC): {plural(scored, 'score')}; {plural(skipped, 'check')} did not apply, for example groundedness when nothing was retrieved.</p>}
      {dropped > 0 && <p className="notice">{plural(dropped, 'check')} {dropped === 1 ? 'was' : 'were'} dropped because the queue was full, so fewer traces were checked than the share says. Lower the share to avoid this.</p>}
      {!access.admin && <p className="quiet small">Only admins of this project can change flags.</p>}
      {changing && <Change flags={flags} onClose={() => change(false)} />}
    </Section>
  )
}

function Change({ flags: now, onClose }: { flags: Tagged<Flags>; onClose: () => void }) {
  const [flags] = useState(now) // what the draft was begun from: the page asks every few seconds
  const [checks, setChecks] = useState(flags.checks)
  const [percent, setPercent] = useState<number | string>(Number((flags.share * 100).toPrecision(12)))
  const share = Number(percent) / 100
  const set = (name: string, on: boolean) => setChecks(flags.available.filter((one) => (one === name ? on : checks.includes(one))))
  return (
    <ReasonDialog opened onClose={onClose} title="Change which checks run" action={checks.length ? 'Save checks' : 'Turn them off'} disabled={!(share > 0)} done="The checks apply to traces that arrive from now on." send={(reason) => request('PUT', '/flags', { checks, share, reason }, undefined, flags.revision)}>
      {flags.available.map((name) => <Checkbox key={name} label={name} description={SAYS[name]} checked={checks.includes(name)} onChange={(event) => set(name, event.currentTarget.checked)} />)}
      <NumberBox label="Share of the traces, %" description="Whole traces, chosen by a hash of their id: the same on every server and after every restart." min={0} max={100} decimals={3} hideControls value={percent} onChange={setPercent} />
    </ReasonDialog>
  )
}
