import type { Agent, AgentOptions, CliAdapter, Verdict } from './adapter.js'
import { createAgent } from './agent.js'
import { claudeEvent, createClaudeState, type ClaudeState } from './claude-events.js'
import { claudeFailure, claudeUsage } from './claude-result.js'
import { compact, string } from './json.js'
import { jsonLines } from './json-lines.js'
import { howEnded, lastErrorLine, type ProcessEnd } from './process-end.js'

/**
 * Claude Code (`claude`), read in its mode `-p --output-format stream-json --verbose`; the prompt goes to stdin.
 *
 * The default flags skip all permission questions: nobody could answer them. Give other `args` where that is too much.
 *
 * Succeeds only if the last `result` says so and the exit code is 0: an interrupted run exits with 0, too, and an API
 * failure calls itself `"subtype":"success"`.
 *
 * @see https://code.claude.com/docs/en/headless
 */
export function claude (options?: AgentOptions): Agent {
  return createAgent(claudeAdapter, options)
}

/** What is special about Claude Code. */
export const claudeAdapter: CliAdapter<ClaudeState> = {
  name: 'claude',
  command: 'claude',
  // "piped stdin input exceeds 10MB"
  promptLimit: { bytes: 10_000_000 },
  args: ({ model, sessionId }, extraArgs) => [
    '-p', '--output-format', 'stream-json', '--verbose', '--dangerously-skip-permissions',
    ...(model === undefined ? [] : ['--model', model]),
    ...(sessionId === undefined ? [] : ['--resume', sessionId]),
    ...extraArgs
  ],
  // As root it refuses to skip permissions unless it is told that it runs in a sandbox.
  env: (): Record<string, string> => process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {},
  start: ({ sessionId }) => createClaudeState(sessionId !== undefined),
  line: jsonLines(claudeEvent),
  verdict
}

function verdict (state: ClaudeState, end: ProcessEnd): Verdict {
  const { sessionId, model, results } = state
  const result = results.at(-1)
  const usage = claudeUsage(results, state.isResumed)
  const known = compact({ sessionId, model, usage })
  if (result === undefined) {
    const error = state.lastError ?? lastErrorLine(end) ?? `Claude ended without a result (${howEnded(end)}).`
    return { ...known, success: false, response: state.lastText, error, reason: 'no-result' }
  }
  const failure = claudeFailure(result)
  if (failure !== undefined) return { ...known, ...failure, success: false, response: state.lastText }
  const response = string(result.result) ?? ''
  if (end.exitCode === 0) return { ...known, success: true, response }
  const error = `Claude reported success, but ended with ${howEnded(end)}.`
  return { ...known, success: false, response, error, reason: 'exit-code' }
}
