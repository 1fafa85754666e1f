import { createProgress } from '../../lib/insight/progress.js'
import type { RunningRow } from '../../lib/insight/running-row.js'

/** An invocation that has just started, at this time in milliseconds since the epoch. */
export function runningRow (startedAt: number, invocationId = 1, taskId = 'a'): RunningRow {
  return {
    invocationId,
    taskId,
    provider: 'claude',
    startedAt,
    lastActivityAt: startedAt,
    hasActivity: false,
    activityCount: 0,
    progress: createProgress(),
    heartbeatAt: startedAt,
    writerId: 'w',
    owner: '{}'
  }
}
