import type { LogReader } from '../store/port.js'
import type { TaskScope } from '../store/task-scope.js'
import { RunningTasks, type RunningTasksOptions } from './running-tasks.js'

/** Those of viewers who see the same look together. */
export interface RunningByScope {
  find (scope: TaskScope, reader: LogReader): RunningTasks
  close (): void
}

export function createRunningByScope (options: Pick<RunningTasksOptions, 'hub' | 'logger'>): RunningByScope {
  const shared = new Map<string, RunningTasks>()
  return {
    find (scope, reader) {
      const key = JSON.stringify('ids' in scope ? [...scope.ids] : scope.prefix)
      let running = shared.get(key)
      if (running === undefined) {
        running = new RunningTasks({ ...options, reader, onRest: () => { shared.delete(key) } })
        shared.set(key, running)
      }
      return running
    },
    close () { for (const running of [...shared.values()]) running.close() }
  }
}
