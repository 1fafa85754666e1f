import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ConnectionState } from '../connection/connection-state.js'
import type { TimelineState } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { formatCount, formatSeconds, formatTime } from './format.js'
import { keyHints } from './keys.js'
import { readTime } from '../store/rows.js'
import type { TimelineSession } from '../session.js'

export interface StatusBarProps {
  readonly state: TimelineState
  readonly connection: ConnectionState
  readonly session: TimelineSession
  readonly onHelp: () => void
}

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone

/** How the page is connected, in words, and how much there is. */
export function StatusBar ({ state, connection, session, onHelp }: StatusBarProps): VNode {
  const { rate } = session
  const all = `${formatCount(state.rows.length, 'row')}${state.hasOlder ? ', older ones above' : ''}`
  return html`<div class="status-bar" part="status">
    <span class=${`connection ${connection.name}`}><span class="dot"></span><span class="text">${
      connectionText(connection, Date.now())}</span></span>
    ${state.isLoaded && html`<span>${all}${rate > 0 && ` · ${rate}/s`}</span>`}
    ${state.isLoaded && html`<span class="zone">Times in ${ZONE}</span>`}
    ${state.isLoaded && keyHints(onHelp)}
  </div>` as VNode
}

/** The connection in words. */
export function connectionText (connection: ConnectionState, nowMs: number): string {
  switch (connection.name) {
    case 'idle': return 'Not connected'
    case 'loading': return 'Loading'
    case 'live': return 'Live'
    case 'trouble': return `The server cannot read its database since ${formatTime(readTime(connection.since) ?? nowMs)}`
    case 'ended': return 'Ended'
    case 'offline': return 'Offline: this device has no network'
    case 'polling': return `Polling because ${connection.reason}`
    case 'denied': return `Refused: ${toPlainText(connection.message)}`
    case 'reconnecting': {
      const restMs = connection.retryAtMs - nowMs
      return `${restMs > 0 ? `Reconnecting in ${formatSeconds(restMs + 999)}` : 'Reconnecting'} · ${toPlainText(connection.reason)}`
    }
  }
}
