import type { Readable } from 'node:stream'
import { createLineSplitter, type Line } from './lines.js'
import { nextTurn, performance } from '../../time/timers.js'

/** Who listens to a stream. */
export interface LineReader {
  /** Cap of one line in bytes; 8 MiB by default. */
  readonly maxLineBytes?: number
  /** Every chunk, as it arrives; reading waits for a promise, and ends where it resolves with false. */
  readonly onChunk: (chunk: Buffer) => unknown
  readonly onLine?: (line: Line) => void
}

/** The event loop gets its turn back after this much work on lines (measured: a 1 MiB line of JSON takes 3-8 ms). */
const SLICE_MS = 4

/**
 * Reads a stream to its end, line by line. Reading stops while lines are worked on, so that a fast writer waits
 * instead of filling memory. Settles also when the stream is destroyed; never rejects.
 */
export async function readLines (stream: Readable, { maxLineBytes, onChunk, onLine }: LineReader): Promise<void> {
  const splitter = createLineSplitter(maxLineBytes === undefined ? {} : { maxLineBytes })
  let sliceStart = performance.now()
  try {
    for await (const data of stream) {
      const chunk = typeof data === 'string' ? Buffer.from(data) : data as Buffer
      const taken = onChunk(chunk)
      if (taken instanceof Promise && await taken === false) break
      if (onLine === undefined) continue
      for (const line of splitter.push(chunk)) {
        onLine(line)
        if (performance.now() - sliceStart < SLICE_MS) continue
        await nextTurn()
        sliceStart = performance.now()
      }
    }
  } catch {
    // Destroyed by us, or a broken pipe: what came so far counts.
  }
  const last = splitter.end()
  if (last !== undefined) onLine?.(last)
}
