/** Time zones that this browser lists; UTC, its own and one that was chosen before may be named otherwise in its list. */
export const zones = (chosen: string) => [...new Set(['UTC', Intl.DateTimeFormat().resolvedOptions().timeZone, chosen, ...Intl.supportedValuesOf('timeZone')])]
