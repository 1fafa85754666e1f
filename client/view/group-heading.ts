import { html } from 'htm/preact'
import { h, type ComponentChild, type VNode } from 'preact'
import type { Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { avatar, modelName, roleName, statusBadge } from './badges.js'
import { formatDuration, formatSeconds } from './format.js'
import type { Services } from './services.js'
import { Ticking } from './ticker.js'

export interface GroupHeadingProps {
  readonly invocation: Invocation
  readonly isOpen: boolean
  readonly services: Services
}

/** The heading of an invocation's rows: who, with what, how it stands and for how long. Closes and opens the rows. */
export function GroupHeading ({ invocation, isOpen, services }: GroupHeadingProps): VNode {
  const { id, summary, error } = invocation
  const toggle = (): void => services.session.dispatch({ type: 'toggle-invocation', id })
  return html`<button class="group" aria-expanded=${isOpen} onClick=${toggle}>
    <svg class="icon chevron" viewBox="0 0 16 16" aria-hidden="true"><path d="M6 4l4 4-4 4" /></svg>
    ${avatar(invocation.role)}
    <b>${roleName(invocation)}</b>
    <span class="model mono">${modelName(invocation)}</span>
    <span class=${error === undefined ? 'summary' : 'summary bad'}>${toPlainText(summary ?? error ?? '', 300)}</span>
    ${statusBadge(invocation)}
    <span class="duration">${durationOf(invocation, services)}</span>
  </button>` as VNode
}

function durationOf ({ status, durationMs, startedAtMs }: Invocation, { session, ticker }: Services): ComponentChild {
  if (status !== 'running') return durationMs === undefined ? '' : formatDuration(durationMs)
  if (startedAtMs === undefined) return ''
  return h(Ticking, { ticker, children: () => formatSeconds(session.clock.now() - startedAtMs) })
}
