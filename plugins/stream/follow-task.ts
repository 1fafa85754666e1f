import type { TimelineCore } from '../../lib/open-core.js'
import type { Viewer, Subscription } from '../../lib/live/viewer-session.js'
import type { TaskDescription } from './describe-task.js'
import type { EventStream } from './event-stream.js'
import { followHealth } from './health-frames.js'
import { followSummary } from './summary-frames.js'

/** The part of a viewer that is not its connection. */
export type FollowTaskOptions = Omit<Viewer, 'write' | 'bufferedBytes' | 'takenBytes'>

/**
 * Writes what happens to a task, after its description was written: events, and everything else that is told live.
 *
 * Streams that carry several tasks (`hasIds: false`) join what is written in one turn.
 */
export function followTask (
  core: TimelineCore, description: TaskDescription, stream: EventStream, options: FollowTaskOptions
): Omit<Subscription, 'drained'> {
  const isJoined = options.hasIds === false
  const write = (bytes: Uint8Array | string) => isJoined ? stream.writeJoined(bytes) : stream.write(bytes)
  const stopHealth = followHealth(core.health, description, stream, write)
  const { summary } = description
  const stopSummary = summary === undefined ? () => {} : followSummary(core.summaries, summary, stream, write)
  const subscription = core.hub.subscribe(description.taskId, {
    ...options,
    write,
    bufferedBytes: () => stream.bufferedBytes(),
    takenBytes: () => stream.takenBytes(),
    onEnd: (reason) => {
      forget()
      stopHealth()
      stopSummary()
      options.onEnd(reason)
    }
  })
  const forget = stream.onDrain(() => subscription.drained())
  return {
    get seq () { return subscription.seq },
    endAfter: (seq) => subscription.endAfter(seq),
    close: () => {
      forget()
      stopHealth()
      stopSummary()
      subscription.close()
    }
  }
}
