import { html } from 'htm/preact'
import type { VNode } from 'preact'

/** Lines on a grid of 16 pixels. */
const PATHS = {
  play: 'M5 3v10l8-5z',
  check: 'M3 8l4 4 6-7',
  x: 'M4 4l8 8M12 4l-8 8',
  dot: 'M8 6a2 2 0 1 0 0 4 2 2 0 1 0 0-4z',
  activity: 'M9 2 4 9h4l-1 5 5-7H8z',
  exec: 'M3 4l4 4-4 4M8 12h5',
  read: 'M4 2h5l3 4v8H4zM9 2v4h3',
  search: 'M7 3a4 4 0 1 0 0 8 4 4 0 1 0 0-8zM10 10l4 4',
  edit: 'M3 13l1-3 7-7 2 2-7 7z',
  plan: 'M6 4h7M6 8h7M6 12h7M3 4h0M3 8h0M3 12h0',
  text: 'M3 4h10M3 8h10M3 12h6',
  more: 'M8 4h0M8 8h0M8 12h0',
  alert: 'M8 3l6 10H2zM8 7v2M8 11h0',
  help: 'M6 6a2 2 0 1 1 2 3v1M8 13h0',
  cut: 'M2 8h4M10 8h4M7 5l2 6',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2zM8 5v3l2 2',
  retry: 'M13 8a5 5 0 1 1-2-4M13 2v3h-3',
  back: 'M6 4 3 7l3 3M3 7h6a4 4 0 0 1 4 4v1',
  chevron: 'M6 4l4 4-4 4',
  down: 'M8 3v10M4 9l4 4 4-4',
  pause: 'M6 4v8M10 4v8'
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
