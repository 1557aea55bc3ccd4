import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Link, Outlet, redirect } from '@tanstack/react-router'
import { parseSearch, type Search, writeSearch } from './lib/search'
import { Page } from './parts/page'
import { ProblemNote } from './parts/states'
import { Shell } from './shell/shell'

const validateSearch = (search: Record<string, unknown>) => search as Search

const root = createRootRoute({ component: Outlet, validateSearch })
const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./pages/sign-in'), 'SignIn'),
})
const shell = createRoute({ getParentRoute: () => root, id: 'shell', component: Shell })
const home = createRoute({
  getParentRoute: () => shell,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/traces' })
  },
})

const under = { getParentRoute: () => shell }
const pages = [
  createRoute({ ...under, path: '/traces', component: lazyRouteComponent(() => import('./pages/traces/traces'), 'Traces') }),
  createRoute({ ...under, path: '/traces/compare', component: lazyRouteComponent(() => import('./pages/trace/compare'), 'TraceCompare') }),
  createRoute({ ...under, path: '/traces/$traceId', component: lazyRouteComponent(() => import('./pages/trace/trace'), 'TracePage') }),
  createRoute({ ...under, path: '/sessions', component: lazyRouteComponent(() => import('./pages/people/sessions'), 'Sessions') }),
  createRoute({ ...under, path: '/sessions/one', component: lazyRouteComponent(() => import('./pages/people/sessions'), 'SessionPage') }),
  createRoute({ ...under, path: '/users', component: lazyRouteComponent(() => import('./pages/people/users'), 'Users') }),
  createRoute({ ...under, path: '/users/one', component: lazyRouteComponent(() => import('./pages/people/users'), 'UserPage') }),
  createRoute({ ...under, path: '/datasets', component: lazyRouteComponent(() => import('./pages/runs/datasets'), 'Datasets') }),
  createRoute({ ...under, path: '/datasets/$name', component: lazyRouteComponent(() => import('./pages/runs/datasets'), 'DatasetPage') }),
  createRoute({ ...under, path: '/runs', component: lazyRouteComponent(() => import('./pages/runs/runs'), 'Runs') }),
  createRoute({ ...under, path: '/runs/compare', component: lazyRouteComponent(() => import('./pages/runs/compare'), 'Compare') }),
  createRoute({ ...under, path: '/runs/$runId', component: lazyRouteComponent(() => import('./pages/runs/run'), 'RunPage') }),
  createRoute({ ...under, path: '/verdicts/$verdictId', component: lazyRouteComponent(() => import('./pages/runs/run'), 'VerdictPage') }),
  createRoute({ ...under, path: '/releases', component: lazyRouteComponent(() => import('./pages/releases/releases'), 'Releases') }),
  createRoute({ ...under, path: '/releases/$releaseId', component: lazyRouteComponent(() => import('./pages/releases/releases'), 'ReleasePage') }),
  createRoute({ ...under, path: '/channels', component: lazyRouteComponent(() => import('./pages/releases/channels'), 'Channels') }),
  createRoute({ ...under, path: '/channels/$name', component: lazyRouteComponent(() => import('./pages/releases/channel'), 'ChannelPage') }),
  createRoute({ ...under, path: '/canaries', component: lazyRouteComponent(() => import('./pages/releases/canaries'), 'Canaries') }),
  createRoute({ ...under, path: '/canaries/$canaryId', component: lazyRouteComponent(() => import('./pages/releases/canary'), 'CanaryPage') }),
  createRoute({ ...under, path: '/incidents', component: lazyRouteComponent(() => import('./pages/monitors/incidents'), 'Incidents') }),
  createRoute({ ...under, path: '/incidents/$incidentId', component: lazyRouteComponent(() => import('./pages/monitors/incident'), 'IncidentPage') }),
  createRoute({ ...under, path: '/costs', component: lazyRouteComponent(() => import('./pages/costs/costs'), 'Costs') }),
  createRoute({ ...under, path: '/steps', component: lazyRouteComponent(() => import('./pages/steps/steps'), 'StepsPage') }),
  createRoute({ ...under, path: '/dashboards', component: lazyRouteComponent(() => import('./pages/dashboards/dashboards'), 'Dashboards') }),
  createRoute({ ...under, path: '/dashboards/$name', component: lazyRouteComponent(() => import('./pages/dashboards/dashboard'), 'DashboardPage') }),
  createRoute({ ...under, path: '/sql', component: lazyRouteComponent(() => import('./pages/sql/sql'), 'Sql') }),
  createRoute({ ...under, path: '/monitors', component: lazyRouteComponent(() => import('./pages/monitors/monitors'), 'Monitors') }),
  createRoute({ ...under, path: '/monitors/new', component: lazyRouteComponent(() => import('./pages/monitors/form'), 'NewMonitor') }),
  createRoute({ ...under, path: '/monitors/$monitorId/edit', component: lazyRouteComponent(() => import('./pages/monitors/form'), 'EditMonitor') }),
  createRoute({ ...under, path: '/monitors/$monitorId', component: lazyRouteComponent(() => import('./pages/monitors/monitor'), 'MonitorPage') }),
  createRoute({ ...under, path: '/connect', component: lazyRouteComponent(() => import('./pages/connect'), 'Connect') }),
  createRoute({ ...under, path: '/audit', component: lazyRouteComponent(() => import('./pages/audit'), 'Audit') }),
  createRoute({ ...under, path: '/settings', component: lazyRouteComponent(() => import('./pages/settings/settings'), 'Settings') }),
  createRoute({ ...under, path: '$', component: NoPage }),
] as const

function NoPage() {
  return (
    <Page title="Page not found">
      <p className="prose">The address may be wrong, or the page may have moved. <Link to="/traces">Go to the traces</Link>.</p>
    </Page>
  )
}

export const router = createRouter({
  routeTree: root.addChildren([signIn, shell.addChildren([home, ...pages])]),
  parseSearch,
  stringifySearch: writeSearch,
  defaultPreload: 'intent',
  scrollRestoration: true,
  defaultErrorComponent: ({ error, reset }) => <div className="page"><ProblemNote error={error} retry={reset} /></div>,
  defaultNotFoundComponent: NoPage,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
