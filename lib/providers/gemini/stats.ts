import type { Usage } from '../../model/activity.js'
import { compact, number, object, string, type JsonObject } from '../json.js'

/** Tokens of one process: in headless mode they are counted from its start, also where it resumes a session. */
export function geminiUsage (result: JsonObject | undefined): Usage | undefined {
  const stats = object(result?.stats)
  const inputTokens = number(stats.input_tokens)
  if (inputTokens === undefined) return undefined
  return compact({ inputTokens, outputTokens: number(stats.output_tokens) ?? 0, cacheReadTokens: number(stats.cached) })
}

/** The model that did most of the work where `init` only says `auto`: a small one sorts the requests first. */
export function geminiModel ({ model, result }: { model?: string, result?: JsonObject }): string | undefined {
  if (model !== undefined && model !== 'auto') return model
  const tokens = (stats: unknown): number => number(object(stats).total_tokens) ?? 0
  const [busiest] = Object.entries(object(object(result?.stats).models)).sort(([, a], [, b]) => tokens(b) - tokens(a))
  return string(busiest?.[0]) ?? model
}
