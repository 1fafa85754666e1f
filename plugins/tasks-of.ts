import type { FastifyRequest } from 'fastify'
import { timelineError } from '../lib/errors.js'
import { checkTaskId } from '../lib/options.js'
import type { TaskScope } from '../lib/store/task-scope.js'

/** The tasks that a request may see: all of the database, these, or those whose ids begin so. */
export type TaskAccess =
  'all' | { readonly ids: ReadonlyArray<string | number> } | { readonly prefix: string }

/**
 * Says which tasks a request may see; asked anew for each request, after the hooks. A stream keeps what was said when
 * it began: end it, or let it reconnect, where that changes.
 *
 * What it throws is answered as what a handler of yours throws.
 */
export type TasksOf = (request: FastifyRequest) => TaskAccess | Promise<TaskAccess>

const MAX_PREFIX = 256

/**
 * Asks for the tasks of a request.
 *
 * @returns undefined for all
 * @throws AGENT_TIMELINE_INVALID_TASKS_OF when the answer is none: then nothing is shown
 */
export async function scopeOf (tasksOf: TasksOf | undefined, request: FastifyRequest): Promise<TaskScope | undefined> {
  if (tasksOf === undefined) return undefined
  const access: unknown = await tasksOf(request)
  if (access === 'all') return undefined
  if (typeof access !== 'object' || access === null) throw invalid('it returns neither all nor an object')
  const [name, ...others] = Object.keys(access)
  const { ids, prefix } = access as { ids?: unknown, prefix?: unknown }
  if (others.length > 0 || (name !== 'ids' && name !== 'prefix')) throw invalid('give ids or prefix, one of the two')
  return name === 'ids' ? { ids: new Set(readIds(ids)) } : { prefix: readPrefix(prefix) }
}

/**
 * For answers that are sums over all tasks.
 *
 * @param scope of the request; undefined for all
 * @throws AGENT_TIMELINE_NOT_ALL_TASKS where it may not see all
 */
export function checkSeesAll (scope: TaskScope | undefined): void {
  if (scope !== undefined) throw timelineError('AGENT_TIMELINE_NOT_ALL_TASKS')
}

function readIds (ids: unknown): string[] {
  if (!Array.isArray(ids)) throw invalid('ids is no list')
  try {
    return ids.map(checkTaskId)
  } catch (err) {
    throw timelineError('AGENT_TIMELINE_INVALID_TASKS_OF', ['one of ids is no task id'], err)
  }
}

/** An empty one would be all tasks, which is to be said as such. */
function readPrefix (prefix: unknown): string {
  if (typeof prefix === 'string' && prefix !== '' && prefix.length <= MAX_PREFIX) return prefix
  throw invalid(`prefix is no text of 1 to ${MAX_PREFIX} characters`)
}

function invalid (problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_TASKS_OF', [problem])
}
