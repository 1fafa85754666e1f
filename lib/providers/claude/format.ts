import type { Verdict } from '../verdict.js'
import { claudeEvent } from './events.js'
import { createClaudeState, type ClaudeState } from './state.js'
import { claudeFailure, claudeUsage } from './result.js'
import type { OutputFormat, RunFacts } from '../format.js'
import { compact, object, string, type JsonObject } from '../json.js'
import { howEnded, lastErrorLine, type ProcessEnd } from '../process/process-end.js'

/** What Claude Code prints with `--output-format stream-json`, and the one object of `--output-format json`. */
export const claudeFormat: OutputFormat = {
  name: 'claude',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  sessionOf: ({ session_id: sessionId }) => string(sessionId),
  resumes: (commandLine) => /\bclaude\b.*\s(--resume|-r|--continue|-c)(?![\w-])/.test(commandLine),
  createParser ({ isResumed }) {
    const state = createClaudeState(isResumed)
    return {
      event (event, log) { claudeEvent(event, state, log) },
      facts: () => facts(state),
      verdict: (end) => verdict(state, end)
    }
  }
}

const MESSAGE_TYPES = new Set(['assistant', 'user', 'stream_event'])

/** Others print the same types: Qwen Code, Cursor, Droid. What they print first has another mark, or lacks this one. */
function confidence (event: JsonObject): number {
  const { type, subtype, session_id: sessionId, message } = event
  if (string(sessionId) === undefined) return 0
  if (type === 'system' && subtype === 'init') {
    if (string(event.claude_code_version) !== undefined) return 1
    if (Object.keys(event).some((key) => key.endsWith('_version'))) return 0
    const { tools, mcp_servers: servers, permissionMode } = event
    const isComplete = Array.isArray(tools) && Array.isArray(servers) && string(permissionMode) !== undefined
    return isComplete ? 0.9 : 0
  }
  if (type === 'result') return 'total_cost_usd' in event && 'num_turns' in event ? 0.9 : 0
  if (MESSAGE_TYPES.has(String(type))) return /^claude-/.test(String(object(message).model)) ? 0.6 : 0.3
  return type === 'rate_limit_event' || type === 'tool_progress' ? 0.6 : type === 'system' ? 0.2 : 0
}

function facts (state: ClaudeState): RunFacts {
  const { outcome, runningTasks, queuedTurns } = state
  return { ...compact({ outcome }), hasBackgroundWork: runningTasks > 0 || queuedTurns > 0 }
}

function verdict (state: ClaudeState, end: ProcessEnd): Verdict {
  const { sessionId, model, results } = state
  const result = results.at(-1)
  const usage = claudeUsage(results, state.isResumed)
  const known = compact({ sessionId, model, usage })
  if (result === undefined) {
    const error = state.lastError ?? lastErrorLine(end) ?? `Claude ended without a result (${howEnded(end)}).`
    return { ...known, success: false, response: string(state.partialText) ?? state.lastText, error, reason: 'no-result' }
  }
  const failure = claudeFailure(result, state)
  if (failure !== undefined) return { ...known, ...failure, success: false, response: state.lastText }
  const response = responseOf(result, state)
  if (end.exitCode === 0) return { ...known, success: true, response }
  const error = `Claude reported success, but ended with ${howEnded(end)}.`
  return { ...known, success: false, response, error, reason: 'exit-code' }
}

/** The answer stands in `result`; some versions leave it empty though the model said something, or gave it as data. */
function responseOf ({ result, structured_output: data }: JsonObject, { answer }: ClaudeState): string {
  return string(result) ?? (data === undefined || data === null ? answer : JSON.stringify(data))
}
