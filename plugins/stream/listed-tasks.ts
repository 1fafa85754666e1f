import type { TimelineCore } from '../../lib/open-core.js'
import { isTimelineError } from '../../lib/errors.js'
import { encodeData } from '../../lib/live/frames.js'
import { Turns } from '../../lib/live/turns.js'
import { describeTask, type TaskDescription } from './describe-task.js'
import type { Opening, OpeningContext } from './opening.js'
import { TaskFeed } from './task-feed.js'
import type { TaskPosition } from './task-positions.js'

/** A stream over the tasks that were asked for; one that does not exist is told to have ended. */
export async function openListed (context: OpeningContext, tasks: readonly TaskPosition[]): Promise<Opening> {
  const turns = new Turns()
  const begun: Array<{ readonly feed: TaskFeed, readonly task: TaskDescription, readonly position: TaskPosition }> = []
  let frames = ''
  let ended = 0
  // Nobody would notice any more that a viewer has stopped reading.
  const onEnd = (): void => { if (++ended === begun.length && context.stream.isBehind) context.end() }
  for (const position of tasks) {
    const { taskId, cursor } = position
    const task = await findTask(context.core, taskId)
    if (task === undefined) {
      frames += encodeData({ type: 'timeline.ended', taskId, reason: 'unknown' })
    } else {
      frames += TaskFeed.frames(task, cursor)
      begun.push({ feed: new TaskFeed({ ...context, taskId, turns, onEnd }), task, position })
    }
  }
  return {
    frames,
    follow: () => { for (const { feed, task, position } of begun) feed.follow(task, position.cursor) },
    stop: () => { for (const { feed } of begun) feed.close() }
  }
}

/** Undefined where there is no such task. */
export async function findTask (core: TimelineCore, taskId: string): Promise<TaskDescription | undefined> {
  try {
    return await describeTask(core, taskId)
  } catch (err) {
    if (isTimelineError(err) && err.code === 'AGENT_TIMELINE_UNKNOWN_TASK') return undefined
    throw err
  }
}
