import type { WatchedTree } from './process-tree.js'
import type { Progress } from './progress.js'

/** What the store knows of a running invocation. Times are milliseconds since the epoch, by its own process's clock. */
export interface RunningRow {
  readonly invocationId: number
  readonly taskId: string
  readonly provider: string
  readonly startedAt: number | undefined
  readonly lastActivityAt: number | undefined
  readonly hasActivity: boolean
  /** Grows with every activity, whatever time it has; 0 for the host's. */
  readonly activityCount: number
  readonly progress: Progress
  readonly heartbeatAt: number | undefined
  /** The writer that owns it; undefined for invocations that the host wrote. */
  readonly writerId: string | undefined
  /** Its {@link Owner}, as JSON. */
  readonly owner: string | undefined
  /** What its runner has seen of the processes of its commands, by the runner's clock. */
  readonly tree?: WatchedTree | undefined
}
