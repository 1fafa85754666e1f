/** A row of the host's `audit` table, as far as transitions go. */
export interface AuditRow {
  readonly id: number
  readonly from_status: string | null
  readonly to_status: string
  readonly actor: string
  readonly created_at: string
}

export interface AuditDecision {
  /** Transitions that happened and are not in the log yet, in order. */
  readonly believed: readonly AuditRow[]
  /** The last transition while nothing confirms it yet. */
  readonly undecided: AuditRow | undefined
}

/**
 * Separates the transitions that happened from those the host only wrote down.
 *
 * Its loop writes a decision row that carries the next status already, then the real one: the same transition stands
 * there twice, and once too often when the step then fails. A row is dropped when it goes nowhere, repeats its
 * neighbour, or when the next transition starts from where it started, which proves that nothing had moved. The last
 * row is believed once `tasks.status` agrees with it.
 *
 * @param rows the task's rows after the last decided one, in order
 * @param previous the last transition that is in the log already
 * @param isConfirmed whether the task's status has agreed with this last row for long enough
 */
export function decideTransitions (
  rows: readonly AuditRow[],
  previous: Pick<AuditRow, 'from_status' | 'to_status'> | undefined,
  isConfirmed: (row: AuditRow) => boolean
): AuditDecision {
  const distinct: AuditRow[] = []
  let neighbour = previous
  for (const row of rows) {
    if (row.from_status === row.to_status || isSame(row, neighbour)) continue
    distinct.push(row)
    neighbour = row
  }
  const last = distinct.pop()
  const believed = distinct.filter((row, index) => (distinct[index + 1] ?? last)?.from_status !== row.from_status)
  if (last === undefined) return { believed, undecided: undefined }
  return isConfirmed(last) ? { believed: [...believed, last], undecided: undefined } : { believed, undecided: last }
}

function isSame (row: AuditRow, other: Pick<AuditRow, 'from_status' | 'to_status'> | undefined): boolean {
  return other !== undefined && row.from_status === other.from_status && row.to_status === other.to_status
}

/** The event type of a transition. */
export function transitionType (from: string | null, to: string): `task.${string}` {
  if (to === 'in_progress') return from === 'review' ? 'task.rejected' : 'task.started'
  return `task.${to}`
}

const MESSAGES: Readonly<Record<string, string>> = {
  'task.started': 'Task marked in_progress',
  'task.review': 'Task moved to review phase',
  'task.rejected': 'Task sent back to in_progress',
  'task.completed': 'Task completed',
  'task.failed': 'Task failed'
}

/** The sentence that goes with a task event. */
export function transitionMessage (type: `task.${string}`, from: string | null = ''): string {
  if (from === null) return 'Task created'
  return MESSAGES[type] ?? `Task marked ${type.slice('task.'.length)}`
}
