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
  down: 'M4 6l4 4 4-4',
  up: 'M4 10l4-4 4 4',
  end: 'M8 3v10M4 9l4 4 4-4',
  link: 'M7 5l1.500-1.500a2.500 2.500 0 0 1 3.500 3.500L10.500 9M9 11l-1.500 1.500A2.500 2.500 0 0 1 4 9l1.500-1.500M6.500 9.500l3-3',
  pause: 'M6 4v8M10 4v8',
  hand: 'M5 9V4a1 1 0 0 1 2 0v4V3a1 1 0 0 1 2 0v5V4a1 1 0 0 1 2 0v6c0 3-1 4-4 4s-3-1-5-5a1 1 0 0 1 2-1z',
  ring: 'M8 2a6 6 0 1 0 6 6',
  dashed: 'M8 2.5h1.5M13 5.5l.5 1.500M13 10.500l-1 1.500M8.500 13.500H7M3.500 11.500 3 10M2.800 6l1-1.500',
  web: 'M8 2a6 6 0 1 0 0 12A6 6 0 1 0 8 2zM2 8h12M8 2c-4 4-4 8 0 12M8 2c4 4 4 8 0 12',
  agent: 'M5 6h6v6H5zM8 6V3M3 9h2M11 9h2M7 9h0M9 9h0'
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
