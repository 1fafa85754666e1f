import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { ConnectionState } from '../connection/connection-state.js'
import type { TimelineState } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { icon, spinner } from './icons.js'

export interface NoticeProps {
  readonly state: TimelineState
  readonly connection: ConnectionState
  readonly onRetry: () => void
}

/** What stands in the place of rows while there are none. */
export function Notice ({ state, connection, onRetry }: NoticeProps): VNode {
  if (connection.name === 'denied') {
    const { status, message } = connection
    const title = status === 401 ? 'Sign in to see this task' : 'This task cannot be shown'
    return notice(icon('x'), title, toPlainText(message, 300), html`<button class="button" onClick=${onRetry}>
      ${icon('retry')}Try again</button>` as VNode)
  }
  if (state.isLoaded) {
    return notice(icon('dot'), 'No activity', 'What agents do appears here.')
  }
  if ('sinceMs' in connection) {
    return notice(icon('alert'), 'Not loaded', 'It is retried.')
  }
  return connection.name === 'idle' ? notice(icon('dot'), 'No task') : notice(spinner(), 'Loading the timeline')
}

function notice (sign: VNode, title: string, text?: string, action?: VNode): VNode {
  return html`<div class="notice" part="notice">${sign}<b>${title}</b>${text && html`<p>${text}</p>`}${action}</div>` as VNode
}
