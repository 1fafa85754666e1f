import type { Usage } from '../../model/activity.js'
import { compact, number, object, objects, string, type JsonObject } from '../json.js'
import { toolMessage } from '../tool-message.js'

/**
 * Tokens and cost of one run from its `result` lines.
 *
 * `model_usage_since_last_result` counts what this run and its sub-agents used. Older versions lack it: then `usage` is
 * per result, while `total_cost_usd` is cumulative over the session and says nothing about a resumed run.
 */
export function claudeUsage (results: readonly JsonObject[], isResumed: boolean): Usage | undefined {
  if (results.length === 0) return undefined
  const perModel = results.flatMap((result) => Object.values(object(result.model_usage_since_last_result)).map(object))
  const isTold = results.some((result) => 'model_usage_since_last_result' in result)
  if (isTold) {
    return compact({
      inputTokens: sum(perModel, 'inputTokens') ?? 0,
      outputTokens: sum(perModel, 'outputTokens') ?? 0,
      cacheReadTokens: sum(perModel, 'cacheReadInputTokens'),
      cacheWriteTokens: sum(perModel, 'cacheCreationInputTokens'),
      reasoningTokens: sum(perModel, 'thinkingTokens'),
      costUsd: sum(perModel, 'costUSD') ?? 0
    })
  }
  const usages = results.map(({ usage }) => object(usage))
  const isUnknown = sum(usages, 'input_tokens') === undefined && number(results.at(-1)!.total_cost_usd) === undefined
  if (isUnknown) return undefined
  return compact({
    inputTokens: sum(usages, 'input_tokens') ?? 0,
    outputTokens: sum(usages, 'output_tokens') ?? 0,
    cacheReadTokens: sum(usages, 'cache_read_input_tokens'),
    cacheWriteTokens: sum(usages, 'cache_creation_input_tokens'),
    costUsd: isResumed ? undefined : number(results.at(-1)!.total_cost_usd)
  })
}

/**
 * Why a `result` is not a success, or undefined. An API failure calls itself `"subtype":"success"`, with `is_error`;
 * the limits of turns and budget have `errors` and no `result`.
 */
export function claudeFailure (
  result: JsonObject, { lastErrorClass }: { readonly lastErrorClass?: string }
): { readonly error: string, readonly reason: string } | undefined {
  if (isDeferred(result)) return { error: deferralOf(result), reason: 'deferred' }
  if (result.is_error !== true && result.subtype === 'success') return undefined
  const words = [string(result.startup_failure_reason), string(result.terminal_reason), string(result.subtype)]
  const told = words.find((word) => word !== undefined && word !== 'completed' && word !== 'success')
  const reason = told ?? lastErrorClass ?? (/^API Error/.test(String(result.result)) ? 'api_error' : 'error')
  if (reason.startsWith('aborted')) return { error: 'The run was interrupted.', reason }
  const errors = Array.isArray(result.errors) ? result.errors.map((error) => typeof error === 'string' ? error : string(object(error).message) ?? JSON.stringify(error)).join('\n') : ''
  return { error: string(result.result) ?? string(errors) ?? `Claude ended with ${String(result.subtype)}.`, reason }
}

/** A hook put a call off until a person has decided: nothing was done, and the process ends well. */
export function isDeferred (result: JsonObject): boolean {
  const { terminal_reason: reason, stop_reason: stop, deferred_tool_use: call } = result
  return reason === 'tool_deferred' || stop === 'tool_deferred' || string(object(call).id) !== undefined
}

function deferralOf ({ deferred_tool_use: call }: JsonObject): string {
  const { name, input } = object(call)
  const tool = string(name)
  const question = string(objects(object(input).questions)[0]?.question)
  const what = tool === undefined ? '' : ` on ${toolMessage(tool, question === undefined ? input : { query: question })}`
  return `A person has to decide${what}; the session can then be resumed.`
}

function sum (parts: readonly JsonObject[], name: string): number | undefined {
  const values = parts.map((part) => number(part[name])).filter((value) => value !== undefined)
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b)
}
