import { timelineError } from '../errors.js'
import { USAGE_GROUPS, type UsageGroupBy, type UsageQuery, type UsageReport } from '../model/answers.js'
import { checkObject } from '../options.js'
import type { AnswerReader, EndedRun } from '../store/answers.js'
import type { LogReader } from '../store/port.js'
import { toIso } from '../time/clock.js'
import { nextTurn } from '../time/timers.js'
import { UsageTable } from '../view/usage-report.js'
import { checkMoment } from './check-moment.js'

/** Runs of one read; the event loop has its turn in between. */
const RUNS_A_READ = 1_000

/**
 * What the runs of all tasks used, of those that ended in a time.
 *
 * @throws AGENT_TIMELINE_INVALID_REQUEST
 */
export async function reportUsage (
  reader: Pick<LogReader, 'look'>, answers: Pick<AnswerReader, 'endedRuns'>, query: UsageQuery
): Promise<UsageReport> {
  const { by, from, to } = checkUsageQuery(query)
  // Brings in the runs that the host's own logger wrote.
  await reader.look(undefined)
  const table = new UsageTable()
  for (let after = 0; ;) {
    const runs = await answers.endedRuns(after, RUNS_A_READ)
    for (const run of runs) if (isWithin(run, from, to)) table.add(keyOf(run, by), run)
    after = runs.at(-1)?.invocationId ?? after
    if (runs.length < RUNS_A_READ) break
    await nextTurn()
  }
  return table.report({
    by, ...(from === undefined ? {} : { from: toIso(from) }), ...(to === undefined ? {} : { to: toIso(to) })
  })
}

/** One of which nobody knows when it ended is in no range. */
function isWithin ({ endedAt }: EndedRun, from: number | undefined, to: number | undefined): boolean {
  if (endedAt === undefined) return from === undefined && to === undefined
  return (from === undefined || endedAt >= from) && (to === undefined || endedAt < to)
}

function keyOf (run: EndedRun, by: UsageGroupBy): string {
  switch (by) {
    case 'task': return run.taskId
    case 'role': return run.role || UNKNOWN
    case 'provider': return run.provider || UNKNOWN
    case 'model': return run.model ?? UNKNOWN
    case 'day': return run.endedAt === undefined ? UNKNOWN : toIso(run.endedAt).slice(0, 10)
  }
}

const UNKNOWN = 'unknown'

/**
 * Which runs are asked for, whoever asks; times in milliseconds since the epoch.
 *
 * @throws AGENT_TIMELINE_INVALID_REQUEST
 */
function checkUsageQuery (query: UsageQuery) {
  checkObject('query', query)
  const { by = 'day' } = query
  const [from, to] = [checkMoment('from', query.from), checkMoment('to', query.to)]
  if (!USAGE_GROUPS.includes(by)) throw invalid(`by is one of ${USAGE_GROUPS.join(', ')}`)
  if (from !== undefined && to !== undefined && from >= to) throw invalid('from is before to')
  return { by, from, to }
}

function invalid (problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_REQUEST', [problem])
}
