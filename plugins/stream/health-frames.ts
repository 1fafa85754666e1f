import type { HealthMonitor } from '../../lib/live/health-monitor.js'
import type { TaskDescription } from './describe-task.js'
import type { EventStream } from './event-stream.js'

/**
 * Writes the verdicts on what runs of a task as they change, after its description had the first.
 *
 * A viewer that is behind is written to once it has caught up, and then only the latest: old verdicts help nobody.
 *
 * @returns how to stop
 */
export function followHealth (
  monitor: HealthMonitor, { taskId, running }: Pick<TaskDescription, 'taskId' | 'running'>,
  stream: Pick<EventStream, 'isBehind' | 'onDrain'>, write: (frames: string) => void
): () => void {
  const watch = monitor.watch(taskId, running, tell)
  const forget = stream.onDrain(tell)

  function tell (): void {
    if (stream.isBehind) return
    const frames = watch.take()
    if (frames !== '') write(frames)
  }

  return () => {
    forget()
    watch.close()
  }
}
