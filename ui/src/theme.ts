import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

const ink: MantineColorsTuple = [
  '#eef3fe', '#dce6fb', '#b6ccff', '#8caeff', '#6a93f5', '#4877e3', '#2f60d3', '#1f4fc4', '#173c98', '#102b70',
]

/** Mantine's parts in Assay's clothes: its colours follow `styles/tokens.css`, so both schemes come from one place. */
export const theme = createTheme({
  colors: { ink },
  primaryColor: 'ink',
  primaryShade: { light: 7, dark: 6 },
  fontFamily: 'var(--font)',
  fontFamilyMonospace: 'var(--mono)',
  fontSizes: { xs: 'var(--t-s)', sm: 'var(--t-m)', md: 'var(--t-m)', lg: 'var(--t-l)', xl: 'var(--t-xl)' },
  headings: { fontFamily: 'var(--font)', fontWeight: '600' },
  defaultRadius: 4,
  cursorType: 'pointer',
  components: {
    Button: { defaultProps: { size: 'xs' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Textarea: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.4 }, transitionProps: { duration: 90 } } },
    Tooltip: { defaultProps: { openDelay: 250, fz: 'xs' } },
  },
})

const names: Record<string, string> = {
  '--mantine-color-body': 'var(--surface)',
  '--mantine-color-text': 'var(--ink)',
  '--mantine-color-dimmed': 'var(--ink-3)',
  '--mantine-color-default': 'var(--surface)',
  '--mantine-color-default-hover': 'var(--hover)',
  '--mantine-color-default-color': 'var(--ink)',
  '--mantine-color-default-border': 'var(--line-strong)',
  '--mantine-color-placeholder': 'var(--ink-3)',
  '--mantine-color-anchor': 'var(--accent)',
  '--mantine-color-error': 'var(--bad)',
}

/** The greys that fields and checkboxes are drawn with in the dark. */
const fields = { '--mantine-color-dark-6': 'var(--surface)', '--mantine-color-dark-5': 'var(--hover)', '--mantine-color-dark-4': 'var(--line-strong)' }

export const variables: CSSVariablesResolver = () => ({ variables: {}, light: names, dark: { ...names, ...fields } })
