import type { Usage } from '../../model/activity.js'
import type { AcpState } from './state.js'
import { compact, number, object, string, type JsonObject } from '../json.js'

/** Tokens of the turn, as the answer to the prompt tells them: in `usage`, Gemini's in `_meta.quota`. */
export function readUsage (told: unknown, state: AcpState): void {
  const usage = tokensOf(told)
  if (usage !== undefined && !state.isResumed) state.usage = usage
}

/** Qwen tells each call of the model, in `_meta.usage` of a piece of text that is empty. */
export function readCallUsage (update: JsonObject, state: AcpState): void {
  const usage = tokensOf(object(update._meta).usage)
  if (usage !== undefined) state.callUsage = added(state.callUsage, usage)
}

/** `usage_update`: how full the context is, after each step; the cost of the whole session. */
export function usageUpdate (update: JsonObject, state: AcpState): void {
  state.contextTokens = number(update.used) ?? state.contextTokens ?? 0
  const { amount, currency } = object(update.cost)
  const cost = number(amount)
  if (cost !== undefined && currency === 'USD') state.costUsd = cost
  const model = string(object(update._meta)['_claude/model'])
  if (model !== undefined) state.model = model
}

/**
 * What the whole run used. Calls of the model that were told one by one count as far as they exceed what the answer to
 * the prompt says. Opencode's answer tells its last step alone: then the tokens are left out, its cost is of all steps.
 */
export function usageOfRun (state: AcpState): Usage | undefined {
  const { usage, callUsage, isResumed } = state
  const cost = compact({ costUsd: isResumed ? undefined : state.costUsd })
  const isCounted = callUsage !== undefined && (usage === undefined || total(callUsage) >= total(usage))
  if (isCounted) return { ...callUsage, ...cost }
  if (usage === undefined || isLastStep(usage, state)) {
    return cost.costUsd === undefined ? undefined : { ...cost } as Usage // tokens that nobody told are no zeros
  }
  return { ...usage, ...cost }
}

/** After a tool the model is called with all that was before: more than one call cannot come to the context alone. */
function isLastStep (usage: Usage, { contextTokens, toolsEnded }: AcpState): boolean {
  const { inputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 } = usage
  if (toolsEnded === 0 || contextTokens === undefined || contextTokens === 0) return false
  return inputTokens + cacheReadTokens + cacheWriteTokens === contextTokens
}

function tokensOf (told: unknown): Usage | undefined {
  const usage = object(told)
  const inputTokens = number(usage.inputTokens) ?? number(usage.input_tokens)
  if (inputTokens === undefined) return undefined
  return compact({
    inputTokens,
    outputTokens: number(usage.outputTokens) ?? number(usage.output_tokens) ?? 0,
    cacheReadTokens: number(usage.cachedReadTokens) ?? number(usage.cached_read_tokens),
    cacheWriteTokens: number(usage.cachedWriteTokens) ?? number(usage.cached_write_tokens),
    reasoningTokens: number(usage.thoughtTokens) ?? number(usage.thought_tokens)
  })
}

function added (sum: Usage | undefined, more: Usage): Usage {
  if (sum === undefined) return more
  const names = new Set([...Object.keys(sum), ...Object.keys(more)]) as Set<keyof Usage>
  return Object.fromEntries([...names].map((name) => [name, (sum[name] ?? 0) + (more[name] ?? 0)])) as unknown as Usage
}

function total ({ inputTokens, outputTokens }: Usage): number {
  return inputTokens + outputTokens
}
