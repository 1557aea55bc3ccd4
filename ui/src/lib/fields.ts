/** Fields of the line that narrows traces which are compared as they are; each may stand once, with several values of which one must hold. */
export const EQUAL = [
  'status', 'model', 'provider', 'kind', 'name', 'user', 'session', 'service', 'environment', 'release', 'channel', 'canary', 'arm', 'run', 'tag', 'feature', 'tenant',
  'cost_center', 'prompt', 'prompt_version', 'error_type', 'endpoint', 'trace',
] as const
