import type { ToolCall } from '../../lib/model/answers.js'
import { isHidden } from './reduce.js'
import { lowerBound, type Row } from './rows.js'
import type { TimelineState } from './state.js'

export type StepMove = 'next' | 'previous' | 'next-failure' | 'previous-failure'

/**
 * Where a key leads from a row: to the next or previous step that is shown, or to the next or previous failure of the
 * whole task; undefined where there is none.
 *
 * @param calls those that the server listed, which may not be loaded as rows
 */
export function nextStep (
  state: TimelineState, calls: Iterable<ToolCall>, fromSeq: number, move: StepMove
): number | undefined {
  const isForward = move === 'next' || move === 'next-failure'
  if (move === 'next' || move === 'previous') return nextRow(state, fromSeq, isForward)
  const failures = new Set(state.rows.filter(isFailure).map(({ seq }) => seq))
  for (const { seq, status } of calls) if (status === 'error' || status === 'denied') failures.add(seq)
  const ordered = [...failures].sort((a, b) => a - b)
  // Round and round: whoever reads along from the end finds the first.
  if (isForward) return ordered.find((seq) => seq > fromSeq) ?? ordered[0]
  return ordered.findLast((seq) => seq < fromSeq) ?? ordered.at(-1)
}

function nextRow (state: TimelineState, fromSeq: number, isForward: boolean): number | undefined {
  const { rows } = state
  const isStep = (row: Row): boolean => (row.kind === 'tool' || row.kind === 'end') && !isHidden(state, row)
  let index = lowerBound(rows, fromSeq)
  if (isForward && rows[index]?.seq === fromSeq) index++
  for (let i = isForward ? index : index - 1; i >= 0 && i < rows.length; i += isForward ? 1 : -1) {
    if (isStep(rows[i]!)) return rows[i]!.seq
  }
  return undefined
}

function isFailure (row: Row): boolean {
  return row.kind === 'tool' && row.isSuperseded !== true && (row.status === 'error' || row.status === 'denied')
}
