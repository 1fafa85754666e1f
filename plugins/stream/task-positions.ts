import { timelineError } from '../../lib/errors.js'
import { checkTaskId } from '../../lib/options.js'
import { parseCursor, type Cursor } from '../../lib/model/cursor.js'

/** A task of a stream over many; without a cursor it is followed from now on. */
export interface TaskPosition {
  readonly taskId: string
  readonly cursor?: Cursor
}

/** As many as one connection carries. */
export const MAX_TASKS = 100

/**
 * Reads `?tasks=a:17.x9,b` of a URL: tasks between commas, each with the position after its last colon, if what is
 * there looks like one. Ids that hold commas or colons are percent-encoded, which is undone after the splitting.
 *
 * A value without a plain comma or colon was encoded as a whole, as `URLSearchParams` does; that is undone first.
 *
 * @throws AGENT_TIMELINE_INVALID_REQUEST, AGENT_TIMELINE_INVALID_TASK_ID, AGENT_TIMELINE_INVALID_CURSOR
 */
export function parseTasks (url: string): TaskPosition[] {
  const raw = valueOf(url)
  const isWhole = !/[,:]/.test(raw) && /%2c|%3a/i.test(raw)
  const parts = (isWhole ? decode(raw) : raw).split(',').filter((part) => part !== '')
  if (parts.length === 0) throw invalid('tasks is empty')
  if (parts.length > MAX_TASKS) throw invalid(`tasks has more than ${MAX_TASKS} tasks`)
  const tasks = parts.map(parsePart)
  if (new Set(tasks.map(({ taskId }) => taskId)).size < tasks.length) throw invalid('tasks has a task twice')
  return tasks
}

function parsePart (part: string): TaskPosition {
  const position = /^(.*):(\d+(?:\.[^:]*)?)$/s.exec(part)
  const taskId = checkTaskId(decode(position?.[1] ?? part))
  const cursor = parseCursor(position?.[2])
  return cursor === undefined ? { taskId } : { taskId, cursor }
}

/** As it was sent: Fastify's own parser has decoded what has to be split first. */
function valueOf (url: string): string {
  const query = url.slice(url.indexOf('?') + 1).replace(/#.*$/s, '')
  const parameter = query.split('&').find((pair) => pair.startsWith('tasks='))
  // As in forms, which is what a query is parsed as elsewhere.
  return (parameter?.slice('tasks='.length) ?? '').replaceAll('+', ' ')
}

function decode (text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw invalid('tasks has a percent sign that encodes nothing')
  }
}

function invalid (problem: string): Error {
  return timelineError('AGENT_TIMELINE_INVALID_REQUEST', [problem])
}
