import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** Lines on a grid of 16 pixels. */
const PATHS = {
  play: 'M5 3.2v9.6L13 8z',
  check: 'M3.2 8.4 6.4 11.6 12.8 4.6',
  x: 'M4.3 4.3l7.4 7.4M11.7 4.3l-7.4 7.4',
  dot: 'M8 6.2a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 1 0 0-3.6z',
  activity: 'M9 1.8 3.8 9H8l-1 5.2L12.2 7H8z',
  exec: 'M3 4.2 6.8 8 3 11.8M8.4 12H13',
  read: 'M4 2.4h4.8L12 5.6v8H4zM8.6 2.6V6H12',
  search: 'M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 1 0 0-8.4zM10.1 10.1l3.3 3.3',
  edit: 'M3 13l.7-2.9 6.8-6.8a1.3 1.3 0 0 1 1.8 0l.4.4a1.3 1.3 0 0 1 0 1.8l-6.8 6.8z',
  web: 'M8 2.4a5.6 5.6 0 1 0 0 11.2A5.6 5.6 0 1 0 8 2.4zM2.6 8h10.8M8 2.6c-3 3.4-3 7.4 0 10.8 3-3.4 3-7.4 0-10.8z',
  agent: 'M4.5 3v6.5a2 2 0 0 0 2 2H12M9.8 9.2l2.4 2.3-2.4 2.3M4.5 6.2H12',
  plan: 'M6.4 4.2H13M6.4 8H13M6.4 11.8H13M3 4.2h.6M3 8h.6M3 11.8h.6',
  text: 'M3 4.4h10M3 8h10M3 11.6h6.4',
  thought: 'M3.6 8h.01M8 8h.01M12.4 8h.01',
  alert: 'M8 2.6l5.8 10.4H2.2zM8 6.6v3.1M8 11.4v.01',
  clock: 'M8 2.4a5.6 5.6 0 1 0 0 11.2A5.6 5.6 0 1 0 8 2.4zM8 5v3.2l2.1 1.4',
  retry: 'M13 8a5 5 0 1 1-1.6-3.7M13 2.6v2.6h-2.6',
  back: 'M6.2 4 3 7.2l3.2 3.2M3.4 7.2h6.2A3.4 3.4 0 0 1 13 10.6v1.6',
  gap: 'M3 5.2h10M3 10.8h10M5 8h.01M8 8h.01M11 8h.01',
  more: 'M8 3.6v.01M8 8v.01M8 12.4v.01',
  chevron: 'M6 4l4 4-4 4',
  down: 'M8 3v9.6M4 8.8l4 4 4-4',
  follow: 'M8 2.4v8M4.6 7.2 8 10.6l3.4-3.4M3.4 13.4h9.2',
  pause: 'M5.8 3.8v8.4M10.2 3.8v8.4',
  unplug: 'M3 13l2.4-2.4M10.6 5.4 13 3M6.6 5.4l4 4-1.4 1.4a2.8 2.8 0 0 1-4-4zM9.4 6.6'
} as const

export type IconName = keyof typeof PATHS

/** An icon; what it means is said in words beside it. */
export function icon (name: IconName): VNode {
  return html`<svg class="icon" viewBox="0 0 16 16" aria-hidden="true"><path d=${PATHS[name]} /></svg>` as VNode
}

/** The sign of something that runs; still where motion is unwelcome. */
export function spinner (): VNode {
  return html`<span class="spinner" aria-hidden="true"></span>` as VNode
}
