/** What agents wait for. */
export const WAIT_KINDS = ['person', 'rate_limit', 'retry', 'network', 'background', 'other'] as const
export type WaitKind = typeof WAIT_KINDS[number]

const PATTERNS: ReadonlyArray<readonly [WaitKind, RegExp]> = [
  ['person', /permission|approv|person|human|\buser\b|confirm|answer|question/i],
  ['rate_limit', /rate.?limit|quota|too many requests|overloaded/i],
  ['network', /network|connection|offline|unreachable/i],
  ['background', /background/i]
]

/** The kind of a wait, from what the adapter says is waited for; a retry without a known cause is a `retry`. */
export function waitKind (kind: 'waiting' | 'retry', what: string): WaitKind {
  return PATTERNS.find(([, pattern]) => pattern.test(what))?.[0] ?? (kind === 'retry' ? 'retry' : 'other')
}
