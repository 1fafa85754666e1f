import { timelineError } from '../errors.js'
import type { LogReader } from './port.js'
import { isInScope, type TaskScope } from './task-scope.js'

/** A reader for somebody who may see some tasks: the others are as if they were not there. */
export function withScope (reader: LogReader, scope: TaskScope): LogReader {
  function check (taskId: string): void {
    if (!isInScope(scope, taskId)) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
  }

  return {
    ...reader,
    getTask: async (taskId) => isInScope(scope, taskId) ? reader.getTask(taskId) : undefined,
    look: async (afterInvocationId) => reader.look(afterInvocationId, scope),
    listInvocations: async (filter) => reader.listInvocations({ ...filter, scope }),

    async getInvocation (id, query) {
      const taskId = await reader.taskOf(id)
      return taskId !== undefined && isInScope(scope, taskId) ? reader.getInvocation(id, query) : undefined
    },

    async readPage (taskId, query) {
      check(taskId)
      return reader.readPage(taskId, query)
    },

    async running (taskId) {
      check(taskId)
      return reader.running(taskId)
    }
  }
}
