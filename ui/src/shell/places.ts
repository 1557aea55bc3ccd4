import {
  IconAdjustmentsHorizontal, IconAlertTriangle, IconBinaryTree2, IconCoin, IconDatabase, IconEye, IconFileSearch, IconFlask, IconGitBranch, IconLayoutDashboard, IconMessages, IconPackage, IconPlugConnected, IconSql, IconStairs, IconTestPipe2, IconUsers,
} from '@tabler/icons-react'

/** The pages of the interface: the navigation, the palette and the shortcuts are made of this. */
export const PLACES = [
  { group: 'Observe', name: 'Traces', to: '/traces', key: 't', icon: IconBinaryTree2 },
  { group: 'Observe', name: 'Sessions', to: '/sessions', key: 'e', icon: IconMessages },
  { group: 'Observe', name: 'Users', to: '/users', key: 'u', icon: IconUsers },
  { group: 'Observe', name: 'Dashboards', to: '/dashboards', key: 'b', icon: IconLayoutDashboard },
  { group: 'Observe', name: 'Costs', to: '/costs', key: 'o', icon: IconCoin },
  { group: 'Observe', name: 'Steps', to: '/steps', key: 'p', icon: IconStairs },
  { group: 'Observe', name: 'SQL', to: '/sql', key: 'q', icon: IconSql },
  { group: 'Evaluate', name: 'Datasets', to: '/datasets', key: 'd', icon: IconDatabase },
  { group: 'Evaluate', name: 'Runs', to: '/runs', key: 'r', icon: IconFlask },
  { group: 'Release', name: 'Releases', to: '/releases', key: 'l', icon: IconPackage },
  { group: 'Release', name: 'Channels', to: '/channels', key: 'c', icon: IconGitBranch },
  { group: 'Release', name: 'Canaries', to: '/canaries', key: 'y', icon: IconTestPipe2 },
  { group: 'Watch', name: 'Incidents', to: '/incidents', key: 'i', icon: IconAlertTriangle },
  { group: 'Watch', name: 'Monitors', to: '/monitors', key: 'm', icon: IconEye },
  { group: 'Watch', name: 'Audit log', to: '/audit', key: 'a', icon: IconFileSearch },
  { group: 'Watch', name: 'Connect', to: '/connect', key: 'n', icon: IconPlugConnected },
  { group: 'Watch', name: 'Settings', to: '/settings', key: 's', icon: IconAdjustmentsHorizontal },
] as const
