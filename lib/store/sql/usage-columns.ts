import type { Usage } from '../../model/activity.js'
import { integerOf } from '../../model/values.js'
import { number } from '../../view/tool-call.js'

/** What a run used, as columns of its row. */
export const USAGE_COLUMNS = [
  'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens', 'cost_usd'
] as const

type UsageRow = Readonly<Record<typeof USAGE_COLUMNS[number], number | null>>

/** @returns undefined where none of them is known */
export function readUsageColumns (row: UsageRow): Partial<Usage> | undefined {
  const usage = {
    ...number('inputTokens', row.input_tokens),
    ...number('outputTokens', row.output_tokens),
    ...number('cacheReadTokens', row.cache_read_tokens),
    ...number('cacheWriteTokens', row.cache_write_tokens),
    ...number('reasoningTokens', row.reasoning_tokens),
    ...number('costUsd', row.cost_usd)
  }
  return Object.keys(usage).length === 0 ? undefined : usage
}

export function writeUsageColumns (usage: Partial<Usage>): UsageRow {
  return {
    input_tokens: integerOf(usage.inputTokens),
    output_tokens: integerOf(usage.outputTokens),
    cache_read_tokens: integerOf(usage.cacheReadTokens),
    cache_write_tokens: integerOf(usage.cacheWriteTokens),
    reasoning_tokens: integerOf(usage.reasoningTokens),
    cost_usd: usage.costUsd ?? null
  }
}
