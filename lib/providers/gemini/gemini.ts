import type { Agent, AgentOptions } from '../adapter.js'
import type { Verdict } from '../verdict.js'
import { createAgent } from '../agent.js'
import { createGeminiState, geminiErrorLine, geminiEvent, geminiFailure, type GeminiState } from './events.js'
import { geminiModel, geminiUsage } from './stats.js'
import { createFormatAdapter } from '../format-adapter.js'
import type { OutputFormat } from '../format.js'
import { compact, object, string, type JsonObject } from '../json.js'
import { howEnded, type ProcessEnd } from '../process/process-end.js'

/**
 * Gemini CLI (`gemini`), read in its mode `--output-format stream-json`; the prompt goes to stdin.
 *
 * The default flags approve every tool and trust the directory. Without `GEMINI_CLI_NO_RELAUNCH` its process would be a
 * wrapper that ignores SIGTERM.
 *
 * Succeeds only if a `result` says so and the exit code is 0: ended by a signal or by a prompt that is too long for the
 * model it exits with 0 and without `result`. Tells no cost; a failed shell command is a success to it.
 *
 * @see https://geminicli.com/docs/cli/headless/
 */
export function gemini (options?: AgentOptions): Agent {
  return createAgent(geminiAdapter, options)
}

/** What Gemini CLI prints with `--output-format stream-json`. */
export const geminiFormat: OutputFormat = {
  name: 'gemini',
  recognise: (objects) => Math.max(...objects.map(confidence)),
  begins: ({ type }) => type === 'init',
  sessionOf: ({ type, session_id: sessionId }) => type === 'init' ? string(sessionId) : undefined,
  resumes: (commandLine) => /\bgemini\b.*\s(--resume|-r)(?![\w-])/.test(commandLine),
  createParser () {
    const state = createGeminiState()
    return {
      event (event, log) { geminiEvent(event, state, log) },
      errorLine (line, log) { geminiErrorLine(line, state, log) },
      isNoise: isEcho,
      facts: () => outcomeOf(state),
      verdict: (end) => verdict(state, end)
    }
  }
}

/** What is special about Gemini CLI. */
export const geminiAdapter = createFormatAdapter(geminiFormat, {
  command: 'gemini',
  // What is beyond is cut off with a warning.
  promptLimit: { bytes: 8_388_608 },
  args: ({ model, sessionId }, extraArgs) => [
    '--output-format', 'stream-json', '--yolo', '--skip-trust',
    ...(model === undefined ? [] : ['--model', model]),
    ...(sessionId === undefined ? [] : ['--resume', sessionId]),
    ...extraArgs
  ],
  env: () => ({ GEMINI_CLI_NO_RELAUNCH: 'true' })
})

/** The prompt comes back as the first message, as one line of up to 8 MiB and more: not worth parsing. */
function isEcho (text: string): boolean {
  return text.startsWith('{"type":"message"') && text.slice(0, 150).includes('"role":"user"')
}

function confidence (event: JsonObject): number {
  const { type, timestamp } = event
  if (string(timestamp) === undefined) return 0
  switch (type) {
    case 'init': return string(event.session_id) !== undefined && string(event.model) !== undefined ? 1 : 0
    case 'tool_use': return string(event.tool_name) !== undefined && string(event.tool_id) !== undefined ? 0.6 : 0
    case 'tool_result': return string(event.tool_id) !== undefined ? 0.6 : 0
    case 'result': return Object.keys(object(event.stats)).length > 0 ? 0.6 : 0.1
    case 'message': return typeof event.content === 'string' && string(event.role) !== undefined ? 0.3 : 0
    case 'error': return string(event.message) !== undefined ? 0.1 : 0
  }
  return 0
}

function outcomeOf (state: GeminiState): { outcome?: 'success' | 'failure' } {
  const { result } = state
  return result === undefined ? {} : { outcome: geminiFailure(result, state) === undefined ? 'success' : 'failure' }
}

function verdict (state: GeminiState, end: ProcessEnd): Verdict {
  const { sessionId, result, answer, lastText } = state
  const known = {
    ...compact({ sessionId, model: geminiModel(state), usage: geminiUsage(result) }),
    response: result?.status === 'success' || answer !== '' ? answer : lastText
  }
  if (result === undefined) {
    const error = state.lastError ?? string(state.errorLines.join(' ')) ?? `Gemini ended without a result (${howEnded(end)}).`
    return { ...known, success: false, error, reason: 'no-result' }
  }
  const failure = geminiFailure(result, state)
  if (failure !== undefined) return { ...known, ...failure, success: false }
  if (end.exitCode === 0) return { ...known, success: true }
  return { ...known, success: false, error: `Gemini reported success, but ended with ${howEnded(end)}.`, reason: 'exit-code' }
}
