import type { Verdict } from './verdict.js'
import type { RunFacts } from './format.js'
import { compact } from './json.js'
import { howEnded, lastErrorLine, type ProcessEnd } from './process/process-end.js'

/**
 * Judges a run by what its program said and how its process ended: it succeeded only if a terminal event says so and
 * the exit code is 0.
 *
 * @param name of the program, for sentences
 */
export function judge (name: string, facts: RunFacts, end: ProcessEnd): Verdict {
  const { sessionId, model, usage, outcome, response = '', isOutcomeByExit = false } = facts
  const known = { ...compact({ sessionId, model, usage }), response }
  if (outcome === 'failure') {
    const error = facts.error ?? lastErrorLine(end) ?? `${name} said that it failed.`
    return { ...known, success: false, error, reason: facts.reason ?? 'failed' }
  }
  const isDone = outcome === 'success' || isOutcomeByExit
  if (isDone && end.exitCode === 0) return { ...known, success: true }
  const said = outcome === 'success' ? `${name} reported success, but ended with ${howEnded(end)}.` : undefined
  const error = said ?? facts.error ?? lastErrorLine(end) ?? `${name} ended without a result (${howEnded(end)}).`
  return { ...known, success: false, error, reason: facts.reason ?? (isDone ? 'exit-code' : 'no-result') }
}
