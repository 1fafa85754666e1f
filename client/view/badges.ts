import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Invocation } from '../store/state.js'
import type { Verdict } from '../store/summary.js'
import { toPlainText } from './ansi.js'
import { capitalise, formatCount } from './format.js'
import { icon, spinner, type IconName } from './icons.js'

/** Which colour something is shown in. */
export type Tone = '' | 'good' | 'bad' | 'warn' | 'running'

/** How an invocation or a task stands: its icon, its word and its tone. */
export const RESULTS = {
  running: { icon: 'play', word: 'running', tone: 'running' },
  completed: { icon: 'check', word: 'completed', tone: 'good' },
  approved: { icon: 'check', word: 'approved', tone: 'good' },
  rejected: { icon: 'back', word: 'rejected', tone: 'warn' },
  failed: { icon: 'x', word: 'failed', tone: 'bad' },
  timeout: { icon: 'clock', word: 'timed out', tone: 'warn' },
  waiting: { icon: 'pause', word: 'waiting', tone: 'warn' },
  lost: { icon: 'alert', word: 'connection lost', tone: 'warn' },
  none: { icon: 'dot', word: 'no activity yet', tone: '' }
} as const satisfies Record<string, { readonly icon: IconName, readonly word: string, readonly tone: Tone }>

/** The word about a task, as it is shown and said. */
export function verdictText (verdict: Verdict): string {
  return capitalise(RESULTS[verdict].word)
}

/** A reviewer's verdict says more than that the review was completed. */
export function resultOf (invocation: Pick<Invocation, 'status' | 'outcome'> | undefined): keyof typeof RESULTS {
  const { status = 'running', outcome } = invocation ?? {}
  return status === 'completed' ? outcome ?? status : status
}

/** How an invocation stands, in an icon and a word. */
export function statusBadge (invocation: Pick<Invocation, 'status' | 'outcome'>): VNode {
  const { icon: name, word, tone } = RESULTS[resultOf(invocation)]
  return html`<span class=${`badge ${tone}`}>${tone === 'running' ? spinner() : icon(name)}${word}</span>` as VNode
}

/** The first letter of a role, as a picture. */
export function avatar (role: string | undefined): VNode {
  return html`<span class="avatar" aria-hidden="true">${toPlainText(role ?? '?').charAt(0).toUpperCase()}</span>` as VNode
}

/** The role as a name; the invocation's number where its start is not loaded. */
export function roleName ({ role, id }: Pick<Invocation, 'role' | 'id'>): string {
  return capitalise(toPlainText(role ?? `run ${id}`, 40))
}

/** `Coder, 2 reviewers`: who they are, each role once. */
export function rolesText (invocations: ReadonlyArray<Pick<Invocation, 'role' | 'id'>>): string {
  const counts = new Map<string, number>()
  for (const name of invocations.map(roleName)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return capitalise([...counts].map(([name, count]) => count > 1 ? formatCount(count, name.toLowerCase()) : name).join(', '))
}

/** `codex · gpt-4o`. */
export function modelName ({ provider, model }: Pick<Invocation, 'provider' | 'model'>): string {
  return toPlainText([provider, model].filter(Boolean).join(' · '), 120)
}
