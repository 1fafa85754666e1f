import type { ErrorCode } from './errors.js'

/** What stands now rather than what has happened: asked for when somebody wants to know. */
export interface Gauges {
  /** Bytes that wait to be written. */
  readonly queueBytes: number
  /** How often the open runs were marked as alive, since the timeline was opened. */
  readonly heartbeats: number
  /** How many running invocations are in which state of health. */
  verdicts (): Promise<Readonly<Record<string, number>>>
}

/**
 * Told of what happens in one timeline, for whoever counts it.
 *
 * It is called on hot paths: an implementation adds numbers, does not throw, and does nothing else.
 */
export interface Meter {
  /** One write of joined frames to one viewer, live or in its replay. */
  delivered (events: number, gaps: number, bytes: number): void
  /** A viewer that is behind was handed a page of the log. */
  pageReplayed (): void
  /** A live viewer did not keep up, and goes on from the log. */
  viewerPaused (): void
  /** A viewer took nothing for too long, and was disconnected. */
  viewerEvicted (): void
  /** Seconds from the insertion of an activity to its write to the viewers of its task. */
  deliveryLagged (seconds: number): void
  /** Why a hub looks for news: somebody said so, or its own poll found that something has changed. */
  woken (source: 'hint' | 'poll'): void
  /** A batch was committed. */
  batchWritten (rows: number, seconds: number): void
  /** The lock was somebody else's; it is tried again. */
  lockMet (): void
  /** Output found no room in the queue. */
  outputDropped (pieces: number): void
  /** An attempt to write failed for another reason than a lock of a moment. */
  troubled (code: ErrorCode): void
  /** A run of a process that is gone was ended. */
  lostRunEnded (): void
  /** A run is called quiet, looping or stuck, and no other process had said so before. */
  advised (state: string): void
  /** It went on by itself. */
  advisedWrongly (state: string): void
  /** Hands over how to ask for what stands now. @returns how to take it back */
  attach (gauges: () => Gauges): () => void
}

/** Counts nothing. */
export const noMeter: Meter = {
  delivered () {},
  pageReplayed () {},
  viewerPaused () {},
  viewerEvicted () {},
  deliveryLagged () {},
  woken () {},
  batchWritten () {},
  lockMet () {},
  outputDropped () {},
  troubled () {},
  lostRunEnded () {},
  advised () {},
  advisedWrongly () {},
  attach: () => () => {}
}
