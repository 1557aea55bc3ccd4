import { ActionIcon, Button, Drawer, Modal, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useLocation, useNavigate, useRouter } from '@tanstack/react-router'
import { IconMenu2, IconMoon, IconSearch, IconSun } from '@tabler/icons-react'
import { useEffect, useState } from 'react'
import { request } from '@/api/client'
import * as ask from '@/api/queries'
import { bindings, useKeys } from '@/lib/keys'
import { Empty, ProblemNote } from '@/parts/states'
import { useActorName } from '@/parts/values'
import { Held } from './held'
import { keepFocus } from './kept-focus'
import { Palette } from './palette'
import { PLACES } from './places'
import { RouteSaid } from './route-said'
import { SignInAgain } from './sign-in-again'

export function Shell() {
  const info = useQuery(ask.info)
  const navigate = useNavigate()
  const router = useRouter()
  const signedOut = info.data?.actor === null
  useEffect(() => {
    if (!signedOut) return
    // Asked of the router, not of the rendered location: that one changes while the sign-in page is still loading.
    const { pathname, href } = router.latestLocation
    if (pathname !== '/sign-in') void navigate({ to: '/sign-in', search: { next: pathname === '/' ? undefined : href }, replace: true })
  }, [signedOut, navigate, router])
  if (info.isError && !info.data) return <div className="page"><ProblemNote error={info.error} retry={() => void info.refetch()} /></div>
  if (!info.data || signedOut) return null
  return info.data.role === 'ingest' || info.data.role === 'score' ? <WritesOnly role={info.data.role} /> : <Signed />
}

/** Keys of applications may send and not read: no page would have anything but refusals. */
function WritesOnly({ role }: { role: string }) {
  const client = useQueryClient()
  const leave = useMutation({ mutationFn: () => request('DELETE', '/session'), onSuccess: () => client.resetQueries() })
  return (
    <main className="page">
      <Empty title="This key cannot open pages">
        <p className="second prose">Its role is {role}. It is for applications that send data and cannot read. Sign in with a viewer, editor or admin key.</p>
        {leave.isError && <ProblemNote error={leave.error} />}
        <div><Button loading={leave.isPending} onClick={() => leave.mutate()}>Use another key</Button></div>
      </Empty>
    </main>
  )
}

function Signed() {
  const [palette, setPalette] = useState(false)
  const [help, setHelp] = useState(false)
  const [menu, setMenu] = useState(false)
  const navigate = useNavigate()
  const location = useLocation()
  useEffect(() => setMenu(false), [location.pathname])
  useEffect(() => keepFocus(() => document.getElementById('main')), [])
  useHotkeys([['mod+K', () => setPalette(true)]], [])
  useKeys([
    { keys: '?', does: 'This help', run: () => setHelp(true) },
    ...PLACES.map((place) => ({ keys: `g ${place.key}`, does: `Go to ${place.name}`, run: () => void navigate({ to: place.to }) })),
  ])
  return (
    <div className="shell">
      <a className="skip" href="#main">Skip to content</a>
      <Nav onSearch={() => setPalette(true)} />
      <nav className="topbar" aria-label="Top">
        <Brand />
        <ActionIcon variant="subtle" color="gray" aria-label="Search and commands" onClick={() => setPalette(true)}><IconSearch size={18} /></ActionIcon>
        <ActionIcon variant="subtle" color="gray" aria-label="Menu" onClick={() => setMenu(true)}><IconMenu2 size={18} /></ActionIcon>
      </nav>
      <main className="main" id="main" tabIndex={-1}><Held /><Outlet /></main>
      <Drawer opened={menu} onClose={() => setMenu(false)} size={240} title="Assay" closeButtonProps={{ 'aria-label': 'Close the menu' }}>
        {menu && <Nav onSearch={() => { setMenu(false); setPalette(true) }} inDrawer />}
      </Drawer>
      <Palette opened={palette} onClose={() => setPalette(false)} />
      <Help opened={help} onClose={() => setHelp(false)} />
      <SignInAgain />
      <RouteSaid />
    </div>
  )
}

function Brand() {
  return (
    <Link to="/traces" className="brand">
      <svg width="20" height="20" viewBox="0 0 32 32" aria-hidden="true">
        <path d="M5 26 16 5l11 21" fill="none" stroke="currentColor" strokeWidth="3" strokeLinejoin="round" strokeLinecap="round" />
        <path d="M9 20h14" stroke="var(--accent)" strokeWidth="3" strokeLinecap="round" />
        <circle cx="17" cy="20" r="3.4" fill="var(--accent)" />
      </svg>
      Assay
    </Link>
  )
}

function Nav({ onSearch, inDrawer }: { onSearch: () => void; inDrawer?: boolean }) {
  const info = useQuery(ask.info)
  const open = useQuery(ask.openIncidents)
  const channels = useQuery(ask.channels)
  const actor = useActorName(info.data?.actor)
  const running = channels.data?.items.filter((channel) => channel.canary?.status === 'running').length ?? 0
  const badges: Record<string, [number, string, string]> = {
    Incidents: [open.data?.total ?? 0, 'open', ''],
    Canaries: [running, 'running', 'calm'],
  }
  return (
    <nav className={inDrawer ? 'stack' : 'nav'} aria-label="Pages" style={inDrawer ? { gap: 2 } : undefined}>
      {!inDrawer && <Brand />}
      <button type="button" className="searchbox" onClick={onSearch}>
        <IconSearch size={14} aria-hidden /> Find <kbd>Ctrl K</kbd>
      </button>
      <div className={inDrawer ? 'nav' : ''} style={inDrawer ? { border: 0, padding: 0 } : { display: 'contents' }}>
        {PLACES.map((place, i) => {
          const [n, what, calm] = badges[place.name] ?? [0, '', '']
          return (
            <div key={place.to} style={{ display: 'contents' }}>
              {PLACES[i - 1]?.group !== place.group && <div className="nav-title">{place.group}</div>}
              <Link to={place.to} className="item" activeProps={{ className: 'active' }}>
                <place.icon size={16} stroke={1.7} aria-hidden /> {place.name}
                {n > 0 && <span className={`badge ${calm}`}>{n}<span className="sr"> {what}</span></span>}
              </Link>
            </div>
          )
        })}
      </div>
      <div className="nav-foot">
        {info.data?.project_name && <span className="cut" title={info.data.project ?? undefined}>Project <strong>{info.data.project_name}</strong></span>}
        <span className="line tight" style={{ flexWrap: 'nowrap' }}>
          <span className="cut" title={info.data?.actor ?? undefined}>{actor} · {info.data?.role}</span>
          <SchemeToggle />
        </span>
        <span className="line tight"><span>v{info.data?.version}</span> <span><kbd>?</kbd> keys</span></span>
      </div>
    </nav>
  )
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const dark = useComputedColorScheme('light') === 'dark'
  const label = dark ? 'Switch to light' : 'Switch to dark'
  return (
    <Tooltip label={label}>
      <button type="button" className="icon-button" style={{ marginLeft: 'auto' }} aria-label={label} onClick={() => setColorScheme(dark ? 'light' : 'dark')}>
        {dark ? <IconSun size={15} aria-hidden /> : <IconMoon size={15} aria-hidden />}
      </button>
    </Tooltip>
  )
}

function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={<strong>Keys</strong>} closeButtonProps={{ 'aria-label': 'Close' }}>
      {opened && (
        <dl className="facts list">
          <div><dt><kbd>Ctrl</kbd> <kbd>K</kbd></dt><dd>Find any page, release, channel or action</dd></div>
          {bindings().map((binding) => (
            <div key={binding.keys}>
              <dt>{binding.keys.split(' ').map((key) => <kbd key={key} style={{ marginRight: 4 }}>{key}</kbd>)}</dt>
              <dd>{binding.does}</dd>
            </div>
          ))}
        </dl>
      )}
      <p className="quiet small" style={{ marginTop: '1rem' }}>You can turn off single-key shortcuts in Settings.</p>
    </Modal>
  )
}
