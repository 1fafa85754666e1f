import { WAIT_KINDS, type WaitKind } from '../model/activity.js'

export { WAIT_KINDS, type WaitKind }

const PATTERNS: ReadonlyArray<readonly [WaitKind, RegExp]> = [
  ['person', /permission|approv|person|human|\buser\b|confirm|answer|question/i],
  ['rate_limit', /rate.?limit|quota|too many requests|overloaded/i],
  ['network', /network|connection|offline|unreachable/i],
  ['background', /background/i]
]

/**
 * The kind of a wait, as the adapter says. Only where an agent of one's own does not say it, it is guessed from the
 * words; a retry without a known cause is a `retry`.
 */
export function waitKind (kind: 'waiting' | 'retry', what: string, told?: unknown): WaitKind {
  if ((WAIT_KINDS as readonly unknown[]).includes(told)) return told as WaitKind
  return PATTERNS.find(([, pattern]) => pattern.test(what))?.[0] ?? (kind === 'retry' ? 'retry' : 'other')
}
