import { useSearch } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'
import { type Search, unreadRange } from '@/lib/search'

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
      <UnreadRange />
      {children}
    </div>
  )
}

/** A link with a time that cannot be read shows another one: nobody should take it for what was asked. */
function UnreadRange() {
  const range = unreadRange(useSearch({ strict: false }) as Search)
  if (range === null) return null
  return <p className="notice unsure" role="status">The link asks for the range <q>{range}</q>, which cannot be read: this is the page’s usual time. Choose another, or write a range like <code>15m</code>, <code>24h</code> or <code>7d</code>.</p>
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
