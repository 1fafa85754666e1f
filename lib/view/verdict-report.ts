import type { AdviceState, JudgedAdvice } from '../insight/advice.js'
import type { Usual } from '../insight/usual.js'
import type { VerdictCount, VerdictReport } from '../model/answers.js'

/**
 * Adds up what runs were called, by kind of step and state.
 *
 * @param rows the newest first
 * @param usual what was learnt from those that were wrong
 */
export function reportVerdicts (rows: readonly JudgedAdvice[], usual: Pick<Usual, 'patienceOf'>): VerdictReport {
  const groups = new Map<string, JudgedAdvice[]>()
  for (const row of rows) {
    const key = `${row.state} ${row.step}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [row])
    else group.push(row)
  }
  const kinds = [...groups.values()].map((group) => countKind(group, usual))
  kinds.sort((a, b) => ORDER[a.state] - ORDER[b.state] || b.advised - a.advised || (a.kind < b.kind ? -1 : 1))
  const since = rows.at(-1)?.at
  const counts = Object.fromEntries(STATES.map((state) => [state, countOf(rows.filter((row) => row.state === state))]))
  return { ...(since === undefined ? {} : { since }), ...counts as Record<AdviceState, VerdictCount>, kinds }
}

const STATES = ['stuck', 'looping', 'quiet'] as const
const ORDER: Readonly<Record<AdviceState, number>> = { stuck: 0, looping: 1, quiet: 2 }

function countOf (rows: readonly JudgedAdvice[]): VerdictCount {
  const count = (outcome: JudgedAdvice['outcome']): number => rows.filter((row) => row.outcome === outcome).length
  return { advised: rows.length, wrong: count('went_on'), ended: count('ended'), open: count(undefined) }
}

function countKind (rows: readonly JudgedAdvice[], usual: Pick<Usual, 'patienceOf'>): VerdictReport['kinds'][number] {
  const { state, step } = rows[0]!
  const after = rows.map(({ afterMs }) => afterMs).sort((a, b) => a - b)
  const at = (share: number): number => after[Math.min(after.length - 1, Math.floor(share * after.length))] ?? 0
  const wrongMs = rows.flatMap(({ outcome, outcomeMs }) => outcome === 'went_on' ? [outcomeMs ?? 0] : [])
  const raisedToMs = state === 'looping' ? 0 : usual.patienceOf(step, state)
  return {
    kind: step,
    state,
    ...countOf(rows),
    afterMs: { p50: at(0.5), p95: at(0.95) },
    ...(wrongMs.length === 0 ? {} : { longestWrongMs: Math.max(...wrongMs) }),
    ...(raisedToMs === 0 ? {} : { raisedToMs: Math.round(raisedToMs) })
  }
}
