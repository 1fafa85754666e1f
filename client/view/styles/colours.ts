/**
 * The colours of the light and of the dark scheme. Every text colour has at least 4.5:1 on every background it is used
 * on, in both. Each can be set as `--agent-timeline-<name>`.
 */
export const COLOURS = {
  bg: '#fff,#0c0d0f',
  surface: '#fafafa,#111316',
  sunken: '#f4f4f5,#08090a',
  hover: '#f4f4f5,#191c20',
  line: '#e6e6e9,#22252a',
  'line-strong': '#d2d2d7,#33373e',
  text: '#17181a,#eceef1',
  'text-2': '#4b4e55,#a9aeb8',
  'text-3': '#63666e,#8b909b',
  accent: '#4450d6,#8b95ff',
  'accent-soft': '#eceefe,#1d2140',
  call: '#0b6e84,#56c8d8',
  you: '#7a3fb0,#c9a8ff',
  'you-soft': '#f3ebfb,#26193a',
  bar: '#c3c6cf,#4c515c',
  think: '#e5e6ea,#262a31',
  ok: '#167a3e,#4cc38a',
  'ok-soft': '#e8f6ed,#11291e',
  warn: '#985900,#f0b44c',
  'warn-soft': '#fdf3df,#2d2209',
  bad: '#c62a34,#ff7a7f',
  'bad-soft': '#fdecec,#341417'
} as const

/** The declarations that make the element's own properties of the colours. */
export function declareColours (): string {
  return Object.entries(COLOURS)
    .map(([name, pair]) => `--${name}:var(--agent-timeline-${name},light-dark(${pair}))`).join(';')
}
