import { systemClock, toIso } from '../../lib/time/clock.js'
import type { TimelineCore } from '../../lib/open-core.js'
import type { TaskSummary } from '../../lib/model/answers.js'
import type { CurrentFrame } from '../../lib/model/events.js'
import { worstOf } from '../../lib/live/with-health.js'
import { encodeData } from '../../lib/live/frames.js'
import { getTask } from '../routes/timeline-routes.js'

/** A task at one moment, as every stream of it begins. */
export interface TaskDescription {
  readonly taskId: string
  /** The last number of its log; 0 where it has none. */
  readonly headSeq: number
  /** Empty where it has no log. */
  readonly epoch: string
  readonly running: readonly CurrentFrame[]
  /** What is known of it; undefined where the stream carries several tasks. */
  readonly summary: TaskSummary | undefined
  /** The snapshot and one frame per running invocation, encoded. */
  readonly frames: string
}

/**
 * Where a task stands and what runs.
 *
 * @throws AGENT_TIMELINE_UNKNOWN_TASK, and what reading is refused for
 */
export async function describeTask (
  core: TimelineCore, taskId: string, { withSummary = false }: { readonly withSummary?: boolean } = {}
): Promise<TaskDescription> {
  const { reader } = core
  const task = await getTask(core, taskId)
  const { lastSeq = 0, epoch = '' } = (await reader.heads([taskId])).get(taskId) ?? {}
  const running = await reader.running(taskId)
  const health = worstOf(running)
  const summary = withSummary ? await core.summaries.of(taskId) : undefined
  const snapshot = encodeData({
    type: 'timeline.snapshot',
    taskId,
    task,
    headSeq: lastSeq,
    epoch,
    serverTime: toIso(systemClock()),
    ...(health === undefined ? {} : { health }),
    ...(summary === undefined ? {} : { summary })
  })
  return { taskId, headSeq: lastSeq, epoch, running, summary, frames: snapshot + running.map(encodeData).join('') }
}
