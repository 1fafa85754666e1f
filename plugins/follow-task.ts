import type { TimelineCore } from '../lib/core.js'
import type { Cursor } from '../lib/tail/cursor.js'
import type { EndReason } from '../lib/tail/task-tail.js'
import type { TaskDescription } from './describe-task.js'
import type { EventStream } from './event-stream.js'

export interface FollowTaskOptions {
  /** Resume after it; from the start without it. */
  readonly cursor: Cursor | undefined
  /** Milliseconds after which a viewer that took nothing at all is ended as `slow`. */
  readonly drainTimeoutMs: number
  /** The task is followed no more; not called after the function that {@link followTask} returned. */
  readonly onEnd: (reason: EndReason) => void
}

/**
 * Writes what happens to a task, after its description was written: events, and everything else that is told live.
 *
 * @returns how to stop
 */
export function followTask (
  { hub }: TimelineCore, { taskId }: TaskDescription, stream: EventStream, options: FollowTaskOptions
): () => void {
  const { cursor, drainTimeoutMs, onEnd } = options
  const subscription = hub.subscribe(taskId, {
    ...(cursor === undefined ? {} : { cursor }),
    drainTimeoutMs,
    write: (chunk) => stream.write(chunk),
    bufferedBytes: () => stream.bufferedBytes(),
    onEnd: (reason) => {
      forget()
      onEnd(reason)
    }
  })
  const forget = stream.onDrain(() => subscription.drained())
  return () => {
    forget()
    subscription.close()
  }
}
