import { encodeData } from '../../lib/live/frames.js'
import type { ReadTrouble, Trouble } from '../../lib/live/read-trouble.js'
import type { EventStream } from './event-stream.js'

/** What a stream begins with where its database cannot be read just now; empty otherwise. */
export function encodeTrouble (trouble: Trouble | undefined): string {
  return trouble === undefined ? '' : encodeData({ type: 'timeline.trouble', ...trouble })
}

/**
 * Writes when the database cannot be read any more, and when it can be read again. To a viewer that is behind it is
 * written once it has caught up, if that is still so.
 *
 * @param told what it was given at first
 * @returns how to stop
 */
export function followTrouble (
  readTrouble: ReadTrouble, stream: Pick<EventStream, 'isBehind' | 'onDrain' | 'write'>, told: Trouble | undefined
): () => void {
  const stop = readTrouble.onChange(tell)
  const forget = stream.onDrain(tell)
  let last = told

  function tell (): void {
    const { current } = readTrouble
    if (stream.isBehind || current === last) return
    const frame = current === undefined && last !== undefined
      ? encodeData({ type: 'timeline.recovered', ...last })
      : encodeTrouble(current)
    last = current
    stream.write(frame)
  }

  return () => {
    stop()
    forget()
  }
}
