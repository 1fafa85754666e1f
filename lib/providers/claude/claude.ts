import type { Agent, AgentOptions } from '../adapter.js'
import { createAgent } from '../agent.js'
import { claudeFormat } from './format.js'
import { createFormatAdapter } from '../format-adapter.js'

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
export const claudeAdapter = createFormatAdapter(claudeFormat, {
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
  env: (): Record<string, string> => process.getuid?.() === 0 ? { IS_SANDBOX: '1' } : {}
})
