import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Invocation } from '../store/state.js'
import { capitalise } from './format.js'
import { icon, spinner } from './icons.js'
import { toPlainText } from './ansi.js'

const WORDS = { completed: 'completed', failed: 'failed', timeout: 'timed out', approved: 'approved', rejected: 'rejected' } as const
const SIGNS = { completed: 'check', approved: 'check', failed: 'x', rejected: 'back', timeout: 'clock' } as const

/** How an invocation stands, in an icon and a word. */
export function statusBadge ({ status, outcome }: Pick<Invocation, 'status' | 'outcome'>): VNode {
  if (status === 'running') return html`<span class="badge running">${spinner()}running</span>` as VNode
  const result = status === 'completed' ? outcome ?? status : status
  return html`<span class=${`badge ${result}`}>${icon(SIGNS[result])}${WORDS[result]}</span>` as VNode
}

/** The first letter of a role, as a picture. */
export function avatar (role: string | undefined): VNode {
  return html`<span class="avatar" aria-hidden="true">${capitalise(toPlainText(role ?? '?').charAt(0))}</span>` as VNode
}

/** The role as a name; the invocation's number where its start is not loaded. */
export function roleName ({ role, id }: Pick<Invocation, 'role' | 'id'>): string {
  return role === undefined || role === '' ? `Run ${id}` : capitalise(toPlainText(role, 40))
}

/** `codex · gpt-4o`. */
export function modelName ({ provider, model }: Pick<Invocation, 'provider' | 'model'>): string {
  return [provider, model].filter((part) => part !== undefined && part !== '').map((part) => toPlainText(part!, 60)).join(' · ')
}
