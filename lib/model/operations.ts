import type { ActivityType } from './activity.js'
import type { ActivityFacts } from './activity-facts.js'
import type { Ending } from './ending.js'
import type { InvocationMeta } from './invocation-meta.js'

/** What every operation knows of the run that it is about; whoever handles it knows more. */
export interface OperatedRun {
  readonly taskId: string
  readonly meta: InvocationMeta
}

/** As much of a text as its cleaning looks at. */
export interface LongText {
  readonly text: string
  /** Length of all of it. */
  readonly chars: number
  readonly bytes: number
}

/** One activity that waits to be written. */
export interface ActivityOp<Run extends OperatedRun = OperatedRun> {
  readonly kind: 'activity'
  readonly run: Run
  readonly type: ActivityType
  message: string
  /** JSON. */
  metadata: string | null
  /** A tool's result that is longer than its cap, until what is kept of it is chosen. */
  result?: string | undefined
  /** The last of a message that was cut already: what comes next may go on from there. */
  cutEnd?: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
  /** How many pieces of output the message holds. */
  pieces: number
  /** A piece of a text, as its reporter says: it goes on where the one before ended. */
  readonly isDelta: boolean
  isDropped: boolean
  /** Redacted and cut to its cap already: a batch that is tried again finds it so. */
  isPrepared: boolean
  /** What it says of a call, of the agent's plan or of its usage; read when it is prepared. */
  facts?: ActivityFacts | undefined
}

/** A recorded change of a task. */
export interface TaskOp {
  readonly kind: 'task'
  readonly taskId: string
  readonly type: `task.${string}`
  readonly actor: string
  readonly message: string
  /** ISO-8601. */
  readonly timestamp: string
  /** Unique among this writer's events: makes a repeated batch harmless. */
  readonly sourceId: string
}

/** A run begins. */
export interface StartOp<Run extends OperatedRun = OperatedRun> {
  readonly kind: 'start'
  readonly run: Run
  /** The prompt, until it is cleaned and with the run. */
  prompt?: LongText | undefined
}

/** A run ends. */
export interface EndOp<Run extends OperatedRun = OperatedRun> {
  readonly kind: 'end'
  readonly run: Run
  ending: Ending
  /** The response, until it is cleaned and in the ending. */
  response?: LongText | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** What the recorder queues and the store commits. */
export type Op<Run extends OperatedRun = OperatedRun> = ActivityOp<Run> | TaskOp | StartOp<Run> | EndOp<Run>
