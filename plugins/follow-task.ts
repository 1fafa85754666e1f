import type { TimelineCore } from '../lib/core.js'
import type { Viewer, Subscription } from '../lib/tail/viewer-session.js'
import type { TaskDescription } from './describe-task.js'
import type { EventStream } from './event-stream.js'

/** The part of a viewer that is not its connection. */
export type FollowTaskOptions = Omit<Viewer, 'write' | 'bufferedBytes' | 'takenBytes'>

/**
 * Writes what happens to a task, after its description was written: events, and everything else that is told live.
 *
 * Streams that carry several tasks (`hasIds: false`) join what is written in one turn.
 */
export function followTask (
  { hub }: TimelineCore, { taskId }: TaskDescription, stream: EventStream, options: FollowTaskOptions
): Omit<Subscription, 'drained'> {
  const subscription = hub.subscribe(taskId, {
    ...options,
    write: (chunk) => options.hasIds === false ? stream.writeJoined(chunk) : stream.write(chunk),
    bufferedBytes: () => stream.bufferedBytes(),
    takenBytes: () => stream.takenBytes(),
    onEnd: (reason) => {
      forget()
      options.onEnd(reason)
    }
  })
  const forget = stream.onDrain(() => subscription.drained())
  return {
    get seq () { return subscription.seq },
    endAfter: (seq) => subscription.endAfter(seq),
    close: () => {
      forget()
      subscription.close()
    }
  }
}
