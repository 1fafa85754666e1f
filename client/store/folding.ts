import type { Foldable, Row, ToolKind } from './rows.js'

/** A look that took longer is worth a row of its own. */
const QUICK_MS = 3000
const LOOKS: readonly ToolKind[] = ['look', 'read', 'search']
const CHATTER = ['usage', 'tool', 'notice', 'session', 'unknown']

/**
 * What makes neighbours similar: successful quick looks of one kind, and the small talk of a run. Undefined for a row
 * that always stands alone.
 */
export function foldKey (row: Row): string | undefined {
  if (row.kind === 'tool') {
    const isLook = LOOKS.includes(row.toolKind) && row.status === 'ok' && (row.tookMs ?? 0) < QUICK_MS
    return isLook ? `${row.invocationId} ${row.toolKind}` : undefined
  }
  if (row.kind !== 'progress' || !CHATTER.includes(row.progressKind ?? '')) return undefined
  return `${row.invocationId} ${row.progressKind}`
}

/**
 * Puts the row at `index`, which just came or just settled, into the run of its neighbours.
 *
 * @returns whether rows that were there before may have changed their visibility
 */
export function foldInto (rows: Row[], index: number): boolean {
  const key = foldKey(rows[index]!)
  if (key === undefined) return false
  const before = rows[index - 1]
  const after = rows[index + 1]
  const joinsBefore = before !== undefined && isFoldable(before) && before.run !== undefined && foldKey(before) === key
  const joinsAfter = after !== undefined && isFoldable(after) && after.run !== undefined && foldKey(after) === key
  const run = joinsBefore ? before.run! : rows[index]!.seq
  let nth = joinsBefore ? before.nth! + 1 : 0
  let end = index + 1
  // Parallel calls may settle out of order, so that a run starts behind us already.
  if (joinsAfter) {
    const other = after.run
    while (isRunMember(rows[end], other)) end++
  }
  for (let i = index; i < end; i++, nth++) rows[i] = { ...rows[i]!, run, nth, similar: undefined } as Row
  return nth > 1 && countRun(rows, run, nth, end)
}

/** Whether the row is one of those that the second row of their run stands for. */
export function isFolded (row: Row, openRuns: ReadonlySet<number>): boolean {
  const { run, nth } = row as Foldable
  return nth !== undefined && nth > 1 && !openRuns.has(run!)
}

function isFoldable (row: Row): row is Row & Foldable {
  return row.kind === 'tool' || row.kind === 'progress'
}

function isRunMember (row: Row | undefined, run: number | undefined): boolean {
  return row !== undefined && isFoldable(row) && row.run === run
}

/** Writes on the second row of the run, of which `length` rows end before index `end`, what it stands for. */
function countRun (rows: Row[], run: number, length: number, end: number): boolean {
  const second = end - length + 1
  const lead = rows[second] as (Row & Foldable) | undefined
  // The list was cut inside the run.
  if (lead === undefined || lead.run !== run) return false
  const known = lead.similar
  let tookMs = known === undefined ? 0 : known.tookMs
  for (let i = known === undefined ? second : second + known.count; i < end; i++) tookMs += durationOf(rows[i]!)
  rows[second] = { ...lead, similar: { count: length - 1, tookMs } } as Row
  return true
}

function durationOf (row: Row): number {
  return row.kind === 'tool' ? row.tookMs ?? 0 : 0
}
