import type { ActivityLog } from './activity-log.js'
import type { CliAdapter, Verdict } from './adapter.js'
import { claudeAdapter } from './claude.js'
import { createCodexAdapter } from './codex.js'
import { createCommandAdapter, type CommandState } from './command.js'
import { geminiAdapter } from './gemini.js'
import { object, string } from './json.js'
import type { Line } from './lines.js'
import type { ProcessEnd } from './process-end.js'

/** The CLIs whose structured output is recognised. */
export type Recognised = 'claude' | 'codex' | 'gemini'

/** A CLI's adapter with what it remembers of one run. */
interface Reader {
  line (line: Line, log: ActivityLog): void
  errorLine (line: Line, log: ActivityLog): void
  verdict (end: ProcessEnd): Verdict
}

/** What is remembered of a run while nobody knows yet what it is. */
interface RecognisingState {
  readonly plain: CommandState
  readonly errorLines: Line[]
  lines: number
  reader?: Reader
}

/** Scripts print a few lines of their own before they start an agent. */
const FIRST_LINES = 200
const CLAUDE_TYPES = new Set(['system', 'assistant', 'user', 'stream_event', 'result'])

/** Which CLI prints such a line, in its structured mode. */
export function recogniseLine (text: string): Recognised | undefined {
  if (!text.startsWith('{')) return undefined
  const { type, session_id: sessionId, thread_id: threadId } = parse(text)
  if (type === 'thread.started') return string(threadId) === undefined ? undefined : 'codex'
  if (string(sessionId) === undefined) return undefined
  if (type === 'init') return 'gemini'
  return CLAUDE_TYPES.has(String(type)) ? 'claude' : undefined
}

/** Which CLI a command line starts, by the names in it: `npx -y @openai/codex exec …`. */
export function recogniseCommand (words: readonly string[]): Recognised | undefined {
  for (const word of words.slice(0, 5)) {
    const name = /^(?:.*\/)?(claude|codex|gemini)(?:-code|-cli)?(?:\.\w+)?(?:@[\w.-]+)?$/.exec(word)?.[1]
    if (name !== undefined) return name as Recognised
  }
  return undefined
}

/**
 * Reads any command: by line, until a line is one of a CLI's structured mode, and from then on as that CLI.
 *
 * @param words the command line. It tells what is to be expected where nothing is printed at all, and whether a session
 *   is resumed: the tokens of its whole life are then not taken for those of the run
 */
export function createRecognisingAdapter (words: readonly string[]): CliAdapter<RecognisingState> {
  const [command = ''] = words
  const text = words.join(' ')
  const plain = createCommandAdapter(command, command)
  const expected = /\bstream-json\b|(?<!\S)--json\b/.test(text) ? recogniseCommand(words) : undefined

  function startReader (name: Recognised): Reader {
    const resumes = name === 'claude' ? /(?<!\S)(--resume|-r|--continue|-c)(?![\w-])/ : /(?<!\S)(--)?resume\b/
    const call = resumes.test(text) ? { sessionId: '' } : {}
    if (name === 'claude') return readerOf(claudeAdapter, call)
    return name === 'codex' ? readerOf(createCodexAdapter(), call) : readerOf(geminiAdapter, call)
  }

  return {
    name: command,
    command,
    args: (_call, extraArgs) => extraArgs,
    start: () => {
      const state = { plain: plain.start({}), errorLines: [], lines: 0 }
      return expected === undefined ? state : { ...state, reader: startReader(expected) }
    },
    line (line, state, log) {
      if (state.reader === undefined && state.lines++ < FIRST_LINES) {
        const name = recogniseLine(line.text)
        if (name !== undefined) {
          state.reader = startReader(name)
          for (const early of state.errorLines) state.reader.errorLine(early, log)
        }
      }
      if (state.reader === undefined) plain.line(line, state.plain, log)
      else state.reader.line(line, log)
    },
    errorLine (line, state, log) {
      // An adapter reports the few lines that it understands; a person wants to see the rest, too.
      plain.errorLine!(line, state.plain, log)
      if (state.reader !== undefined) state.reader.errorLine(line, log)
      else if (state.errorLines.length < FIRST_LINES) state.errorLines.push(line)
    },
    verdict: (state, end) => state.reader === undefined ? plain.verdict(state.plain, end) : state.reader.verdict(end)
  }
}

function readerOf<State> (adapter: CliAdapter<State>, call: { readonly sessionId?: string }): Reader {
  const state = adapter.start(call)
  return {
    line (line, log) { adapter.line(line, state, log) },
    errorLine (line, log) { adapter.errorLine?.(line, state, log) },
    verdict: (end) => adapter.verdict(state, end)
  }
}

function parse (text: string): Readonly<Record<string, unknown>> {
  try {
    return object(JSON.parse(text))
  } catch {
    return {}
  }
}
