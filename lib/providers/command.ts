import { basename } from 'node:path'
import type { ActivityLog } from './activity-log.js'
import type { Agent, AgentOptions, CliAdapter } from './adapter.js'
import { createAgent } from './agent.js'
import { endOfText } from './caps.js'
import { checkFormat } from './checks.js'
import { createFormatAdapter } from './format-adapter.js'
import type { OutputFormat } from './format.js'
import type { Line } from './process/lines.js'
import { howEnded, lastErrorLine, plain } from './process/process-end.js'

/** Options of {@link command}: those of every agent, with a command of one's own. */
export interface CommandOptions extends AgentOptions {
  readonly command: string
  /** What the agent is called; by default as the format is, or the file name of the command. */
  readonly name?: string
  /** How its output is read. Default: by line, as text. */
  readonly format?: OutputFormat
}

/** What is remembered of a program's output. */
export interface CommandState {
  readonly lines: string[]
  characters: number
}

/** The answer keeps this much of the end of stdout. */
const MAX_RESPONSE_CHARACTERS = 1_048_576

/**
 * Any program: the prompt goes to stdin, each line of stdout is output, each line of stderr output marked as such, and
 * it succeeds with exit code 0. The response is what it printed on stdout (the last MiB). It knows no tools, tokens or
 * sessions, unless it is given a `format`; a function as `args` gets prompt and model.
 *
 * @throws AGENT_TIMELINE_INVALID_OPTION for a format that is none
 */
export function command (options: CommandOptions): Agent {
  const { command, format } = options
  if (format !== undefined) {
    checkFormat('format', format)
    const invocation = { command, args: (_call: unknown, extraArgs: readonly string[]) => extraArgs }
    return createAgent(createFormatAdapter({ ...format, name: options.name ?? format.name }, invocation), options)
  }
  return createAgent(createCommandAdapter(options.name ?? basename(command), command), options)
}

/** What is special about any program: nothing. */
export function createCommandAdapter (name: string, command: string): CliAdapter<CommandState> {
  return {
    name,
    command,
    args: (_call, extraArgs) => extraArgs,
    start: () => ({ lines: [], characters: 0 }),
    line,
    errorLine ({ text }, _state, log) { log.output(`${text}\n`, { stream: 'stderr' }) },
    verdict ({ lines }, end) {
      const response = endOfText(lines.join('\n').trim(), MAX_RESPONSE_CHARACTERS)
      if (end.exitCode === 0) return { success: true, response }
      const error = lastErrorLine(end) ?? lines.map(plain).findLast((text) => text.trim() !== '') ??
        `${name} ended with ${howEnded(end)}.`
      return { success: false, response, error, reason: 'exit-code' }
    }
  }
}

/** Lines carry their line break and no metadata: the recorder joins them into blocks. */
function line ({ text, partial, tail, missingBytes = 0 }: Line, state: CommandState, log: ActivityLog): void {
  const whole = tail === undefined ? text : `${text}${missingBytes > 0 ? `[… ${missingBytes} bytes …]` : ''}${tail}`
  keepLine(whole, state)
  log.output(partial ? whole : `${whole}\n`)
}

/** Keeps a line for the answer, and of those before it as many as the answer may need. */
export function keepLine (text: string, state: CommandState): void {
  const { lines } = state
  lines.push(text)
  state.characters += text.length + 1
  if (state.characters < 2 * MAX_RESPONSE_CHARACTERS) return
  let dropped = 0
  for (let rest = state.characters; ; dropped++) {
    rest -= lines[dropped]!.length + 1
    if (rest < MAX_RESPONSE_CHARACTERS) break
    state.characters = rest
  }
  lines.splice(0, dropped)
}
