import { useLocation, useSearch } from '@tanstack/react-router'
import { Fragment, type ReactNode, useEffect } from 'react'
import { readTimes } from '@/lib/range'
import type { Search } from '@/lib/search'

interface PageProps {
  title: string
  /** What stands before the title: links to where this belongs. */
  crumbs?: ReactNode
  heading?: ReactNode
  actions?: ReactNode
  fill?: boolean
  className?: string
  children: ReactNode
}

export function Page({ title, crumbs, heading, actions, fill, className = '', children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Assay`
  }, [title])
  return (
    <div className={`page ${fill ? 'fill' : ''} ${className}`}>
      <header className="page-head">
        <div className="titles">
          {crumbs && <div className="crumbs">{crumbs}</div>}
          <h1>{heading ?? title}</h1>
        </div>
        {actions && <div className="line">{actions}</div>}
      </header>
      <UnreadTimes />
      {children}
    </div>
  )
}

/** Pages whose time always ends now. */
const BACK_ONLY = ['/costs', '/steps', '/sessions', '/users']

const ASKED = { range: 'the range', since: 'times since', until: 'times until' }

/** A link with a time that cannot be read shows another one: nobody should take it for what was asked. */
function UnreadTimes() {
  const { unread, times } = readTimes(useSearch({ strict: false }) as Search)
  const backOnly = BACK_ONLY.includes(useLocation().pathname)
  if (backOnly && unread.length === 0 && (times.since || times.until)) {
    return <p className="notice unsure" role="status">The link names a range between two dates. This page only shows ranges up to now, so this is {times.range ? 'the one it names' : 'its usual one'}. Write <code>range=24h</code> or <code>since=7d</code>.</p>
  }
  if (unread.length === 0) return null
  const one = unread.length === 1
  return (
    <p className="notice unsure" role="status">
      The link names {unread.map(([name, text], at) => <Fragment key={name}>{at > 0 && ' and '}{ASKED[name]} <q>{text}</q></Fragment>)}, which cannot be read: {times.since || times.until || times.range ? `this is the time without ${one ? 'it' : 'them'}` : 'this is the page’s usual time'}. Choose another, or write a range like <code>15m</code>, <code>24h</code> or <code>7d</code>{!backOnly && <>, or a time like <code>2026-11-21T08:00:00Z</code></>}.
    </p>
  )
}

export function Section({ title, note, end, children }: { title: string; note?: ReactNode; end?: ReactNode; children: ReactNode }) {
  return (
    <section className="section" aria-label={title}>
      <div className="section-head">
        <h2>{title}</h2>
        {note && <span className="note">{note}</span>}
        {end && <span className="end">{end}</span>}
      </div>
      {children}
    </section>
  )
}

/** Named values side by side; `list` puts each on its own line. Values that are not there are left out. */
export function Facts({ rows, list }: { rows: [string, ReactNode][]; list?: boolean }) {
  return (
    <dl className={`facts ${list ? 'list' : ''}`}>
      {rows
        .filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  )
}
