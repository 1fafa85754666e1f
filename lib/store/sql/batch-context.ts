import type { Usage } from '../../model/activity.js'
import type { HostRows } from '../host-rows.js'
import type { LogRun, RunLog } from '../port.js'
import type { BatchStatements } from './batch-statements.js'

/** What every part of a commit works with. */
export interface BatchContext {
  readonly host: HostRows
  readonly writerId: string
  /** The writer's {@link Owner}, as JSON. */
  readonly owner: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly activitiesPerInvocation: number
  readonly statements: BatchStatements
}

/** A run in a batch. */
export interface RunInBatch extends Mutable<RunLog> {
  readonly run: LogRun
  /** Undefined when its row is gone. */
  readonly id: number | undefined
  /** Rows written before this batch. */
  readonly countBefore: number
  isLate: boolean
  /** Of its last activity in this batch, in milliseconds since the epoch; 0 for none. */
  lastAt: number
  /** What is stored of its progress may be outdated. */
  hasProgressed: boolean
  /** When this batch ended it, in milliseconds since the epoch. */
  endedAt?: number
  /** That end said what the run used. */
  hasFinalUsage: boolean
  /** As its agent told them in this batch. */
  plan?: string
  usage?: Partial<Usage>
}

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] }
