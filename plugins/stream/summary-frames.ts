import type { Summaries } from '../../lib/live/summaries.js'
import type { TaskSummary } from '../../lib/model/answers.js'
import type { EventStream } from './event-stream.js'

/**
 * Writes what is known of a task when it has changed. A viewer that is behind gets the latest once it has caught up.
 *
 * @param told what the viewer was given before
 * @returns how to stop
 */
export function followSummary (
  summaries: Summaries, told: TaskSummary, stream: Pick<EventStream, 'isBehind' | 'onDrain'>,
  write: (frame: string) => void
): () => void {
  let latest: string | undefined
  const stop = summaries.watch(told, (frame) => {
    latest = frame
    send()
  })
  const forget = stream.onDrain(send)

  function send (): void {
    if (stream.isBehind || latest === undefined) return
    const frame = latest
    latest = undefined
    write(frame)
  }

  return () => {
    forget()
    stop()
  }
}
