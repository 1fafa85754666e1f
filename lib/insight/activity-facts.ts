import type { ActivityFacts } from '../model/activity-facts.js'
import { shortenText } from '../text/cut.js'
import { parseObject } from '../text/parse-object.js'
import { readCall } from './call-facts.js'
import { readUsage } from './tally.js'

const PLAN_ENTRIES = 100
const ENTRY_CHARS = 500
/** Kinds of progress that are kept; anything else need not be read. */
const KEPT = /"kind":"(?:plan|usage)"/

/**
 * Reads the metadata of an activity, which has been redacted.
 *
 * @param metadata JSON
 */
export function readFacts (type: string, message: string, metadata: string | null): ActivityFacts | undefined {
  if (metadata === null || !(type === 'tool_exec' || (type === 'progress' && KEPT.test(metadata)))) return undefined
  const details = parseObject(metadata) ?? {}
  if (type === 'tool_exec') {
    const call = readCall(message, details)
    return call && { call }
  }
  if (details.kind === 'plan') return Array.isArray(details.entries) ? { plan: planOf(details.entries) } : undefined
  const usage = details.kind === 'usage' ? readUsage(details.usage) : undefined
  return usage && { usage }
}

function planOf (entries: readonly unknown[]): string {
  const read = entries.map((entry) => {
    const { content, text = content, status } = (entry ?? {}) as Readonly<Record<string, unknown>>
    return { text: shortenText(String(text ?? ''), ENTRY_CHARS), status: status === 'completed' || status === 'in_progress' ? status : 'pending' }
  })
  const done = read.filter(({ status }) => status === 'completed').length
  return JSON.stringify({ entries: read.slice(0, PLAN_ENTRIES), done, total: read.length })
}
