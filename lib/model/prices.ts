import { timelineError } from '../errors.js'
import { checkKnown, checkObject } from '../options.js'
import type { Usage } from './activity.js'

/** What a million tokens of one model cost, in USD. A kind without a price costs nothing. */
export interface ModelPrice {
  readonly inputTokens?: number
  readonly outputTokens?: number
  readonly cacheReadTokens?: number
  readonly cacheWriteTokens?: number
}

/** Prices by the name of the model, as it is recorded. */
export type Prices = Readonly<Record<string, ModelPrice>>

const PRICED_KINDS = ['inputTokens', 'outputTokens', 'cacheReadTokens', 'cacheWriteTokens'] as const

/** Their CLIs count what they read from the cache among what went in; those of others beside it. */
const COUNTS_CACHE_AS_INPUT = /^(?:codex|gemini|qwen)/i

/**
 * A usage with its cost: that which the agent told, else what its tokens cost, where the model has a price.
 *
 * @param model as it is recorded; undefined where nobody knows it
 */
export function withCost<Told extends Partial<Usage>> (
  usage: Told, prices: Prices | undefined, provider: string, model: string | undefined
): Told {
  if (usage.costUsd !== undefined || prices === undefined || model === undefined) return usage
  const price = Object.hasOwn(prices, model) ? prices[model] : undefined
  if (price === undefined || PRICED_KINDS.every((kind) => usage[kind] === undefined)) return usage
  const { cacheReadTokens = 0, inputTokens = 0 } = usage
  const isAmongInput = COUNTS_CACHE_AS_INPUT.test(provider) && cacheReadTokens <= inputTokens
  const tokens = { ...usage, inputTokens: isAmongInput ? inputTokens - cacheReadTokens : inputTokens }
  const dollars = PRICED_KINDS.reduce((sum, kind) => sum + (tokens[kind] ?? 0) * (price[kind] ?? 0), 0) / 1e6
  return { ...usage, costUsd: roundUsd(dollars) }
}

/** Without the noise of binary fractions. */
export function roundUsd (usd: number): number {
  return Math.round(usd * 1e9) / 1e9
}

/** @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION */
export function checkPrices (prices: unknown): void {
  checkObject('prices', prices)
  for (const [model, price] of Object.entries(prices as object)) {
    const name = `prices[${JSON.stringify(model)}]`
    checkKnown(`${name}.`, price as object, PRICED_KINDS)
    for (const [kind, usd] of Object.entries(price as object)) {
      if (typeof usd === 'number' && usd >= 0 && usd <= MAX_PRICE_USD) continue
      throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [`${name}.${kind}`, `is a price in USD per million tokens, from 0 to ${MAX_PRICE_USD}`])
    }
  }
}

const MAX_PRICE_USD = 1_000_000
