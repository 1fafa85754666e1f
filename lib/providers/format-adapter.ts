import type { ActivityLog } from './activity-log.js'
import type { CliAdapter } from './adapter.js'
import type { Verdict } from './verdict.js'
import type { OutputFormat, OutputParser } from './format.js'
import { compact } from './json.js'
import { tellText } from './json-lines.js'
import { judge } from './judge.js'
import type { Line } from './process/lines.js'
import type { ProcessEnd } from './process/process-end.js'
import { readJsonLine } from './read-json-line.js'

/** What is special about a program, apart from what it prints. */
export type Invocation = Pick<CliAdapter<OutputParser>, 'command' | 'args' | 'env' | 'promptLimit' | 'prepare'>

/** Makes an adapter of a format and what is needed to run its program. */
export function createFormatAdapter (format: OutputFormat, invocation: Invocation): CliAdapter<OutputParser> {
  return {
    name: format.name,
    ...invocation,
    start: ({ sessionId, model }) => format.createParser(compact({ isResumed: sessionId !== undefined, model })),
    line: parseLine,
    errorLine (line, parser, log) { parser.errorLine?.(line, log) },
    facts: (parser) => parser.facts(),
    verdict: (parser, end) => verdictOf(format, parser, end)
  }
}

/** Gives a line to a parser. */
export function parseLine (line: Line, parser: OutputParser, log: ActivityLog): void {
  if (parser.line !== undefined) return parser.line(line, log)
  if (parser.isNoise?.(line.text) === true) return
  for (const part of readJsonLine(line)) {
    if (typeof part !== 'string') parser.event(part, log)
    else if (parser.text === undefined) tellText(part, line, log)
    else parser.text(part, log)
  }
}

/** The judgement of a parser on its session. */
export function verdictOf (format: OutputFormat, parser: OutputParser, end: ProcessEnd): Verdict {
  return parser.verdict?.(end) ?? judge(format.name, parser.facts(), end)
}
