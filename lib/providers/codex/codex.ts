import type { Usage } from '../../model/activity.js'
import type { Agent, AgentOptions, CliAdapter } from '../adapter.js'
import type { Verdict } from '../verdict.js'
import { createAgent } from '../agent.js'
import { codexErrorLine, codexEvent, createCodexState, type CodexState } from './events.js'
import { itemType } from './tools.js'
import { createFormatAdapter } from '../format-adapter.js'
import type { OutputFormat, OutputParser } from '../format.js'
import { compact, object, string, type JsonObject } from '../json.js'
import { howEnded, lastErrorLine, type ProcessEnd } from '../process/process-end.js'

/**
 * Codex (`codex`), read in its mode `exec --json`; the prompt goes to stdin.
 *
 * The default flags switch off sandbox and approvals. Denied commands and failed patches are invisible in its events;
 * what of it appears on stderr is shown as an error.
 *
 * Its token counts are cumulative over a resumed session: the same agent object subtracts what it has seen before;
 * where it has not seen the session, `usage` is left out. It tells no cost and no model.
 *
 * @see https://developers.openai.com/codex/noninteractive
 */
export function codex (options?: AgentOptions): Agent {
  return createAgent(createCodexAdapter(), options)
}

/** Sessions whose token counts are remembered, so that a host that runs for months does not collect them all. */
const MAX_SESSIONS = 1_000

/** What is special about Codex. Remembers the token counts of its sessions. */
export function createCodexAdapter (): CliAdapter<OutputParser> {
  return createFormatAdapter(createCodexFormat(), {
    command: 'codex',
    // "Input exceeds the maximum length of 1048576 characters"
    promptLimit: { characters: 1_048_576 },
    args: ({ model, sessionId }, extraArgs) => [
      'exec', '--json', '--dangerously-bypass-approvals-and-sandbox',
      ...(model === undefined ? [] : ['--model', model]),
      ...extraArgs,
      ...(sessionId === undefined ? [] : ['resume', sessionId]),
      '-'
    ]
  })
}

/** What Codex prints with `exec --json`. Remembers the token counts of its sessions. */
export function createCodexFormat (): OutputFormat {
  const totals = new Map<string, Usage>()

  function usageOfRun ({ sessionId, total, isResumed }: CodexState): Usage | undefined {
    if (total === undefined) return undefined
    const before = sessionId === undefined ? undefined : totals.get(sessionId)
    if (sessionId !== undefined) {
      totals.delete(sessionId)
      totals.set(sessionId, total)
      if (totals.size > MAX_SESSIONS) totals.delete(totals.keys().next().value!)
    }
    if (!isResumed) return total
    return before === undefined ? undefined : difference(total, before)
  }

  return {
    name: 'codex',
    recognise: (objects) => Math.max(...objects.map(confidence)),
    begins: ({ type }) => type === 'thread.started',
    sessionOf: ({ thread_id: threadId }) => string(threadId),
    createParser ({ isResumed, model }) {
      const state = createCodexState(isResumed, model)
      return {
        event (event, log) { codexEvent(event, state, log) },
        errorLine (line, log) { codexErrorLine(line, state, log) },
        facts: () => state.outcome === undefined ? {} : { outcome: state.outcome === 'completed' ? 'success' : 'failure' },
        verdict: (end) => verdict(state, end, usageOfRun(state))
      }
    }
  }
}

function confidence (event: JsonObject): number {
  switch (event.type) {
    case 'thread.started': return string(event.thread_id) === undefined ? 0 : 1
    case 'item.started':
    case 'item.updated':
    case 'item.completed': return itemType(object(event.item)) === undefined ? 0 : 0.6
    case 'turn.completed':
    case 'turn.failed': return 0.5
    case 'turn.started': return 0.3
    case 'error': return string(event.message) !== undefined && Object.keys(event).length === 2 ? 0.2 : 0
  }
  return 0
}

function verdict (state: CodexState, end: ProcessEnd, usage: Usage | undefined): Verdict {
  const { sessionId, model, outcome, lastText, lastError } = state
  const known = { ...compact({ sessionId, model, usage }), response: lastText }
  if (outcome === 'completed' && end.exitCode === 0) return { ...known, success: true }
  if (outcome === 'failed') {
    return { ...known, success: false, error: lastError ?? 'The turn failed.', reason: 'turn-failed' }
  }
  if (outcome === 'completed') {
    return { ...known, success: false, error: `Codex completed, but ended with ${howEnded(end)}.`, reason: 'exit-code' }
  }
  const error = lastError ?? lastErrorLine(end) ?? `Codex ended without an outcome (${howEnded(end)}).`
  return { ...known, success: false, error, reason: 'no-result' }
}

function difference (total: Usage, before: Usage): Usage {
  const less = (name: 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens' | 'reasoningTokens'): number =>
    Math.max(0, (total[name] ?? 0) - (before[name] ?? 0))
  return {
    inputTokens: less('inputTokens'),
    outputTokens: less('outputTokens'),
    cacheReadTokens: less('cacheReadTokens'),
    cacheWriteTokens: less('cacheWriteTokens'),
    reasoningTokens: less('reasoningTokens')
  }
}
