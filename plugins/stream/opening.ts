import type { TimelineCore } from '../../lib/open-core.js'
import type { EventStream } from './event-stream.js'

/** A stream that is about to begin. */
export interface Opening {
  /** Its first frames. */
  readonly frames: string
  /** Writes what follows them. */
  follow (): void
  /** Also without having followed. */
  stop (): void
}

/** What an opening is made with. */
export interface OpeningContext {
  readonly core: TimelineCore
  readonly stream: EventStream
  /** Milliseconds after which a viewer that took nothing at all is cut. */
  readonly drainTimeoutMs: number
  /** Ends it after what was written. */
  readonly end: () => void
  /** Cuts it. */
  readonly endSlow: () => void
}
