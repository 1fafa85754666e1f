import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { Health, InvocationStatus } from '../../lib/model/events.js'
import type { Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { capitalise, formatCount } from './format.js'
import { icon, spinner, type IconName } from './icons.js'

/** Which colour something is shown in. */
export type Tone = '' | 'good' | 'bad' | 'warn' | 'running' | 'you' | 'stuck'

/** How an invocation or a task stands: its icon, its tone, and its word where that is not its name. */
const RESULTS = {
  running: ['play', 'running'],
  starting: ['play', ''],
  working: ['activity', 'running'],
  in_tool: ['exec', 'running', 'in a tool'],
  waiting: ['pause', 'running'],
  needs_you: ['hand', 'you', 'needs you'],
  quiet: ['clock', 'warn'],
  not_running: ['alert', 'warn', 'not running'],
  looping: ['retry', 'stuck', 'going in circles'],
  stuck: ['alert', 'stuck', 'probably stuck'],
  lost: ['x', 'bad', 'process gone'],
  unknown: ['help', ''],
  completed: ['check', 'good'],
  approved: ['check', 'good'],
  rejected: ['back', 'warn'],
  failed: ['x', 'bad'],
  timeout: ['clock', 'warn', 'timed out'],
  disconnected: ['cut', 'warn', 'connection lost'],
  none: ['dot', '', 'no run yet']
} as const satisfies Record<string, readonly [icon: IconName, tone: Tone, word?: string]>

export type Result = keyof typeof RESULTS

/** The icon, the tone and the word of a result. */
export function lookOf (result: Result): readonly [icon: IconName, tone: Tone, word: string] {
  const [name, tone, word = result] = RESULTS[result] as readonly [icon: IconName, tone: Tone, word?: string]
  return [name, tone, word]
}

/** What a badge speaks of. */
export interface Judged {
  readonly status: InvocationStatus
  readonly outcome?: 'approved' | 'rejected'
  readonly health?: Health
}

/** A reviewer's verdict says more than that the review was completed, the server's more than that a run goes on. */
export function resultOf (invocation: Judged | undefined): Result {
  const { status = 'running', outcome, health } = invocation ?? {}
  if (status !== 'running') return status === 'completed' ? outcome ?? status : status
  return health?.state === 'waiting' && health.waitingFor?.kind === 'person' ? 'needs_you' : health?.state ?? status
}

/** How an invocation stands, in an icon and a word. */
export function statusBadge (invocation: Judged): VNode {
  const [name, tone, word] = lookOf(resultOf(invocation))
  return html`<span class=${`badge ${tone}`}>${tone === 'running' && name !== 'exec' && name !== 'pause' ? spinner() : icon(name)}${word}</span>` as VNode
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
