import { timelineError } from '../errors.js'
import { TASK_STATES, type TaskFilter, type TaskState } from '../model/answers.js'
import { checkObject } from '../options.js'
import { MAX_QUERY_LENGTH, MAX_TASK_LIMIT } from '../store/limits.js'

/**
 * Which tasks are asked for, whoever asks.
 *
 * @throws AGENT_TIMELINE_INVALID_STATE, AGENT_TIMELINE_INVALID_LIMIT, AGENT_TIMELINE_INVALID_QUERY,
 * AGENT_TIMELINE_INVALID_CURSOR
 */
export function checkTaskFilter (filter: TaskFilter): TaskFilter {
  checkObject('filter', filter)
  const { state, q, limit, cursor } = filter
  const states: readonly unknown[] = state === undefined ? [] : [state].flat()
  if (states.some((one) => !TASK_STATES.includes(one as TaskState))) {
    throw timelineError('AGENT_TIMELINE_INVALID_STATE', [TASK_STATES.join(', ')])
  }
  if (q !== undefined && (typeof q !== 'string' || q.length > MAX_QUERY_LENGTH || q.includes('\0'))) {
    throw timelineError('AGENT_TIMELINE_INVALID_QUERY', [MAX_QUERY_LENGTH])
  }
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1 || limit > MAX_TASK_LIMIT)) {
    throw timelineError('AGENT_TIMELINE_INVALID_LIMIT', [MAX_TASK_LIMIT])
  }
  if (cursor !== undefined && typeof cursor !== 'string') {
    throw timelineError('AGENT_TIMELINE_INVALID_CURSOR', [JSON.stringify(cursor), 'take it from page.nextCursor'])
  }
  return filter
}
