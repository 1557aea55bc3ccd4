import '@fontsource-variable/ibm-plex-sans'
import '@fontsource/ibm-plex-mono/400.css'
import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/parts.css'
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Problem } from './api/client'
import { router } from './router'
import { theme, variables } from './theme'

const schemes = localStorageColorSchemeManager({ key: 'assay-colour-scheme' })

/** A session that ended shows itself on any request: asking who we are again leads to signing in. */
function askWhoWeAre(error: Error) {
  if (error instanceof Problem && error.status === 401) void client.invalidateQueries({ queryKey: ['info'] })
}

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error, query) => query.queryKey[0] !== 'info' && askWhoWeAre(error) }),
  mutationCache: new MutationCache({ onError: askWhoWeAre }),
  defaultOptions: {
    // The server may be on this machine or in this building: where the browser thinks that it is offline, a page would load for ever
    // and what was pressed would be done when the network is back, without a word.
    mutations: { networkMode: 'always' },
    queries: {
      networkMode: 'always',
      staleTime: 5_000,
      retry: (failures, error) => (error instanceof Problem && error.status > 0 && error.status < 500 ? false : failures < 2),
    },
  },
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" colorSchemeManager={schemes}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </MantineProvider>
    </QueryClientProvider>
  </StrictMode>,
)
