import { createProgress, type Progress } from '../insight/progress.js'
import { createTally, type RunTally } from '../insight/tally.js'
import type { PieceStreams } from '../intake/piece-streams.js'
import type { InvocationMeta } from '../model/invocation-meta.js'
import type { OpenCall } from '../model/open-call.js'
import { OpenUses } from '../model/open-uses.js'
import type { Clock } from '../time/clock.js'
import { performance } from '../time/timers.js'

/** One invocation while its process knows it. */
export interface Run {
  readonly taskId: string
  /** Its prompt comes when it is cleaned. */
  meta: InvocationMeta
  /** The agent's process; undefined where nobody has told it. */
  agentPid: number | undefined
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  /** The same moment on the clock that never jumps. */
  readonly startedAtMonotonic: number
  /** From the database, once the start is committed. */
  id: number | undefined
  /** In which of the databases, that took each other's place, it is known to be stored. */
  generation: number
  /** The database refused it, it was deleted meanwhile, or there is no database: nothing more of it is written. */
  isUnrecorded: boolean
  /** Why there is no database. */
  unrecordedFor?: unknown
  /** Of all that was reported of it so far, in milliseconds since the epoch. */
  latestAt: number
  /** By how much the agent's clock is known to be behind, in milliseconds. */
  clockLagMs: number
  /** Settles as the commit of its end does; undefined while it has none. */
  ended: Promise<void> | undefined
  /** Tool calls that have started and not ended. */
  readonly openCalls: OpenUses<OpenCall>
  /** Rows written so far, and the number of the last one of the half that stays when the middle goes. */
  activityCount: number
  /** Milliseconds since the epoch; never goes back. */
  lastActivityAt: number
  lastHeadSeq: number | undefined
  /** As it was committed last. */
  progress: Progress
  tally: RunTally
  /** Output that found no room, not told yet. */
  droppedPieces: number
  droppedBytes: number
  readonly pieceStreams: PieceStreams
}

/**
 * When something of a run happened: not before its start, and not later than it was reported.
 *
 * A time before the start shows that the agent's clock is behind, by as much as the report is later at least. All times
 * of that clock are set right by it: with each moved to the start by itself, a call that began a second ago would have
 * run since then.
 *
 * @param reported what the agent says, in milliseconds since the epoch; undefined where it says nothing
 */
export function timeInRun (run: Run, reported: number | undefined, receivedAt: number): number {
  const received = Math.max(receivedAt, run.startedAt)
  let at = reported === undefined ? received : reported + run.clockLagMs
  if (reported !== undefined && at < run.startedAt) {
    run.clockLagMs = received - reported
    at = received
  }
  at = Math.min(at, received)
  run.latestAt = Math.max(run.latestAt, at)
  return at
}

export function createRun (taskId: string, meta: InvocationMeta, now: Clock, pieceStreams: PieceStreams): Run {
  const startedAt = now()
  return {
    taskId,
    meta,
    agentPid: meta.pid,
    startedAt,
    startedAtMonotonic: performance.now(),
    id: undefined,
    generation: 0,
    isUnrecorded: false,
    latestAt: startedAt,
    clockLagMs: 0,
    ended: undefined,
    openCalls: new OpenUses(),
    activityCount: 0,
    lastActivityAt: startedAt,
    lastHeadSeq: undefined,
    progress: createProgress(),
    tally: createTally(startedAt),
    droppedPieces: 0,
    droppedBytes: 0,
    pieceStreams
  }
}
