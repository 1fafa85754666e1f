import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { avatar, lookOf, modelName, resultOf, roleName, statusBadge } from './badges.js'
import { formatDate, formatDuration, formatSeconds } from './format.js'
import { icon } from './icons.js'
import type { TimelineSession } from '../session.js'

export interface GroupHeadingProps {
  readonly invocation: Invocation
  readonly isOpen: boolean
  readonly session: TimelineSession
}

/** The heading of an invocation's rows: who, with what, how it stands and for how long. Closes and opens the rows. */
export function GroupHeading ({ invocation, isOpen, session }: GroupHeadingProps): VNode {
  const { id, summary, error, startedAtMs } = invocation
  const toggle = (): void => session.dispatch({ type: 'toggle-invocation', id })
  return html`<button class="group" aria-expanded=${isOpen} onClick=${toggle}>
    ${icon('chevron')}
    ${avatar(invocation.role)}
    <b>${roleName(invocation)}</b>
    <span class="model mono">${modelName(invocation)} #${id}</span>
    <span class=${`summary ${error && lookOf(resultOf(invocation))[1]}`}>${toPlainText(summary ?? error ?? '', 300)}</span>
    ${statusBadge(session.isLost ? { ...invocation, health: undefined } : invocation)}
    <span class="date">${formatDate(startedAtMs, session.now())}</span>
    <span class="duration">${durationOf(invocation, session)}</span>
  </button>` as VNode
}

function durationOf ({ status, tookMs, startedAtMs }: Invocation, session: TimelineSession): string {
  if (status !== 'running') return tookMs === undefined ? '' : formatDuration(tookMs)
  return startedAtMs === undefined ? '' : formatSeconds(session.now() - startedAtMs)
}
