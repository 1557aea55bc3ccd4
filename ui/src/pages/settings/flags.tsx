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
  toxicity: 'Offensive wording in English, 0 to 1, lower is better. A model over words: it finds insults and swearing, not hatred in polite words.',
  groundedness: 'How much of an answer’s wording stands in the documents that its trace retrieved, higher is better. Word overlap, not entailment.',
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
      <p className="lead">{on ? `${capital(flags.checks.join(' and '))} on ${portion(flags.share)} of the traces.` : 'No check looks at what comes in.'}</p>
      <p className="second prose">Checks look at the answers of model calls once they are stored, without a model that is called, and write scores of source code. They stand on the trace and in the dashboard Quality.</p>
      <dl className="facts list">
        {flags.available.map((name) => <div key={name}><dt>{capital(name)}</dt><dd>{flags.checks.includes(name) ? 'On. ' : 'Off. '}{SAYS[name]}</dd></div>)}
      </dl>
      {on && <p className="second">Today (UTC): {plural(scored, 'score')}; {plural(skipped, 'check')} did not apply, such as groundedness where nothing was retrieved.</p>}
      {dropped > 0 && <p className="notice">{plural(dropped, 'check')} {dropped === 1 ? 'was' : 'were'} dropped for want of room: figures are of fewer traces than the share says. A smaller share ends that.</p>}
      {!access.admin && <p className="quiet small">Flags are set by admins of this project.</p>}
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
    <ReasonDialog opened onClose={onClose} title="Change which checks look at traffic" action={checks.length ? 'Check like this' : 'Turn them off'} disabled={!(share > 0)} done="The checks hold for what comes from now on." send={(reason) => request('PUT', '/flags', { checks, share, reason }, undefined, flags.revision)}>
      {flags.available.map((name) => <Checkbox key={name} label={name} description={SAYS[name]} checked={checks.includes(name)} onChange={(event) => set(name, event.currentTarget.checked)} />)}
      <NumberBox label="Share of the traces, %" description="Whole traces, by a hash of their id: the same ones at every server and after every restart." min={0} max={100} decimals={3} hideControls value={percent} onChange={setPercent} />
    </ReasonDialog>
  )
}
