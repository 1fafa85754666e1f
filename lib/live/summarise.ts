import { timelineError } from '../errors.js'
import type { TaskSummary } from '../model/answers.js'
import type { Health } from '../model/events.js'
import type { AnswerReader } from '../store/answers.js'
import type { LogReader } from '../store/port.js'
import type { Clock } from '../time/clock.js'
import { toSummary } from '../view/summary.js'
import { worstOf } from './with-health.js'

/** What a summary lists of the files. */
const MAX_FILES = 100

/**
 * What is known of a task now.
 *
 * @throws AGENT_TIMELINE_UNKNOWN_TASK
 */
export async function summarise (
  reader: LogReader, answers: AnswerReader, taskId: string, now: Clock
): Promise<TaskSummary> {
  const task = await reader.getTask(taskId)
  if (task === undefined) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
  const { lastSeq = 0, epoch = '' } = (await reader.heads([taskId])).get(taskId) ?? {}
  const [runs, running, { files, total }, changedAt, budgetUsd] = [
    await answers.runs(taskId), await reader.running(taskId), await answers.files(taskId, MAX_FILES),
    await answers.lastTaskEventAt(taskId), await answers.taskBudget(taskId)
  ]
  const health = new Map<number, Health>(
    running.flatMap((frame) => frame.health === undefined ? [] : [[frame.invocationId, frame.health] as const]))
  return toSummary({
    task,
    runs,
    health,
    worst: worstOf(running),
    budgetUsd,
    host: { status: task.status, changedAt },
    files: files.map(({ path, edits, added, removed, isNew }) => ({
      path,
      edits,
      ...(added === null ? {} : { added }),
      ...(removed === null ? {} : { removed }),
      ...(isNew ? { isNew } : {})
    })),
    filesTotal: total,
    headSeq: lastSeq,
    epoch,
    now: now()
  })
}
