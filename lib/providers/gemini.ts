import type { Agent, AgentOptions, CliAdapter, Verdict } from './adapter.js'
import { createAgent } from './agent.js'
import { createGeminiState, geminiErrorLine, geminiEvent, geminiFailure, type GeminiState } from './gemini-events.js'
import { geminiModel, geminiUsage } from './gemini-stats.js'
import { compact, string } from './json.js'
import { jsonLines } from './json-lines.js'
import type { Line } from './lines.js'
import { howEnded, type ProcessEnd } from './process-end.js'

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

const parse = jsonLines(geminiEvent)

/** What is special about Gemini CLI. */
export const geminiAdapter: CliAdapter<GeminiState> = {
  name: 'gemini',
  command: 'gemini',
  // What is beyond is cut off with a warning.
  promptLimit: { bytes: 8_388_608 },
  args: ({ model, sessionId }, extraArgs) => [
    '--output-format', 'stream-json', '--yolo', '--skip-trust',
    ...(model === undefined ? [] : ['--model', model]),
    ...(sessionId === undefined ? [] : ['--resume', sessionId]),
    ...extraArgs
  ],
  env: () => ({ GEMINI_CLI_NO_RELAUNCH: 'true' }),
  start: createGeminiState,
  line: (line, state, log) => { if (!isEcho(line)) parse(line, state, log) },
  errorLine: geminiErrorLine,
  verdict
}

/** The prompt comes back as the first message, as one line of up to 8 MiB and more: not worth parsing. */
function isEcho ({ text }: Line): boolean {
  return text.startsWith('{"type":"message"') && text.slice(0, 150).includes('"role":"user"')
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
