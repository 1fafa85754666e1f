import { timelineError } from '../../lib/errors.js'
import type { Logger } from '../../lib/logger.js'
import type { TaskFilter, TaskState, TaskSummary } from '../../lib/model/answers.js'
import { EXPORT_FORMATS, exportTask, type ExportFormat } from '../../lib/live/export-task.js'
import { openCore, type TimelineCore } from '../../lib/open-core.js'
import type { Timeline } from '../../lib/timeline.js'
import { checkOneOf, checkTaskId } from '../../lib/options.js'
import { MAX_TASK_LIMIT } from '../../lib/store/limits.js'
import { systemClock } from '../../lib/time/clock.js'
import { toTerminalJson } from '../../lib/view/json-line.js'
import { formatAnswer } from '../../lib/view/task-answer.js'
import { formatTasks } from '../../lib/view/task-lines.js'
import { existing, given, required, wholeNumber, type Values } from './arguments.js'

/** What a command that answers writes to. */
interface Answering {
  readonly print: (line: string) => void
  /** Resolves with false when nobody reads any more. */
  readonly write: (stream: 'stdout', chunk: Buffer) => Promise<boolean>
  readonly logger: Logger
}

/** Of a task's runs, so many are listed. */
const LATEST_RUNS = 10

/** Prints what is known of a task. @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_UNKNOWN_TASK */
export async function why (values: Values, { print, logger }: Answering): Promise<undefined> {
  const database = existing(values)
  const taskId = checkTaskId(required('TASK', values.task))
  await reading(database, logger, async ({ timeline }) => {
    const summary = await summaryOf(timeline, taskId)
    if (values.json === true) return print(toTerminalJson(summary))
    const { invocations } = await timeline.listInvocations({ taskId, limit: LATEST_RUNS })
    for (const line of formatAnswer(summary, invocations, systemClock())) print(line)
  })
}

/** Prints the tasks, worst first. @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_INVALID_* */
export async function tasks (values: Values, { print, logger }: Answering): Promise<undefined> {
  const database = existing(values)
  const { state, q, cursor } = given(values, ['state', 'q', 'cursor'])
  const filter: TaskFilter = {
    ...(state === undefined ? {} : { state: state.split(',').map((one) => one.trim()) as TaskState[] }),
    ...(q === undefined ? {} : { q }),
    ...(cursor === undefined ? {} : { cursor }),
    ...(values.limit === undefined ? {} : { limit: wholeNumber('--limit', values.limit, MAX_TASK_LIMIT) })
  }
  await reading(database, logger, async ({ timeline }) => {
    const list = await timeline.listTasks(filter)
    if (values.json === true) print(toTerminalJson(list))
    else for (const line of formatTasks(list)) print(line)
  })
}

/** Prints a task as a file. @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_UNKNOWN_TASK */
export async function printExport (values: Values, { logger, write }: Answering): Promise<undefined> {
  const database = existing(values)
  const taskId = checkTaskId(required('TASK', values.task))
  const format = values.format ?? 'html'
  checkOneOf('--format', format, EXPORT_FORMATS)
  await reading(database, logger, async ({ timeline, reader, answers }) => {
    await summaryOf(timeline, taskId)
    for await (const piece of exportTask(reader, answers, taskId, format as ExportFormat)) {
      // Whoever read has seen enough.
      if (!(await write('stdout', Buffer.from(piece)))) return
    }
  })
}

/** Of a database without a table of tasks every id is one; here it is a typing error. */
async function summaryOf (timeline: Timeline, taskId: string): Promise<TaskSummary> {
  const summary = await timeline.getSummary(taskId)
  if (summary.epoch === '' && summary.task.status === undefined && summary.task.title === undefined) {
    throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
  }
  return summary
}

/** A reader must not apply its own idea of how long to keep things. */
async function reading (
  database: string, logger: Logger, use: (core: TimelineCore) => Promise<void>
): Promise<void> {
  const core = await openCore({ database, create: false, activityLogRetention: 0, logger })
  try {
    await use(core)
  } finally {
    await core.close()
  }
}
