import { basename } from 'node:path'
import { debug } from '../debug.js'
import { createActivityLog, type ActivityLog } from './activity-log.js'
import type { CliAdapter } from './adapter.js'
import type { Verdict } from './verdict.js'
import { createCommandAdapter, keepLine, type CommandState } from './command.js'
import { verdictOf } from './format-adapter.js'
import type { OutputFormat, OutputParser } from './format.js'
import { compact, type JsonObject } from './json.js'
import { tellText } from './json-lines.js'
import type { Line } from './process/lines.js'
import type { ProcessEnd } from './process/process-end.js'
import { isObject, readJsonLine } from './read-json-line.js'
import { sumUsage } from './sum-usage.js'
import { createUnknownOutput, type UnknownOutput } from './unknown-output.js'

/** One session of one program. */
interface Reader {
  readonly format: OutputFormat
  readonly parser: OutputParser
  readonly log: ActivityLog
}

/** An object that no format has claimed yet. */
interface Pending {
  readonly event: JsonObject
  readonly raw: string
}

/** What is remembered of a run. */
export interface RecognisingState {
  readonly plain: CommandState
  readonly unknown: UnknownOutput
  /** Oldest first. */
  readonly readers: Reader[]
  /** By format and session. */
  readonly bySession: Map<string, Reader>
  /** The last one of each format, in the order in which they were opened. */
  readonly latest: Map<OutputFormat, Reader>
  /** Those that printed since a session began: only they may have calls that are open. */
  readonly active: Set<Reader>
  /** The one that printed last. */
  current?: Reader
  pending: Pending[]
  /** Lines of stderr that came before any reader. */
  errorLines: Line[]
  log?: ActivityLog
}

/** So many objects are looked at before it is said that nobody knows them. */
const MAX_PENDING = 10
const MAX_ERROR_LINES = 200
const CERTAIN = 1
const LIKELY = 0.5
const NAMED = 0.1
const RESUMES = /(?<!\S)(--resume|--continue|resume)(?![\w-])/

/** The format whose program a command line starts, by the names in it: `npx -y @openai/codex exec …`. */
export function recogniseCommand (
  words: readonly string[], formats: readonly OutputFormat[]
): OutputFormat | undefined {
  for (const word of words.slice(0, 5)) {
    const name = basename(word).replace(/(?!^)@[\w.-]+$/, '').replace(/\.\w+$/, '').replace(/-(code|cli)$/, '')
    const format = formats.find((format) => [format.name, ...format.commands ?? []].includes(name))
    if (format !== undefined) return format
  }
  return undefined
}

/**
 * Reads any command: by line, and where its lines are those of a format, as that. There may be several sessions of
 * several formats in one run, one after the other or at the same time: each has its calls, their usage is added up, and
 * the last one's outcome is the run's, together with the exit code.
 *
 * @param words the command line. It tells what is to be expected where nothing is printed at all, and whether a session
 *   is resumed: the tokens of its whole life are then not taken for those of the run
 */
export function createRecognisingAdapter (
  words: readonly string[], formats: readonly OutputFormat[]
): CliAdapter<RecognisingState> {
  const [command = ''] = words
  const commandLine = words.join(' ')
  const plain = createCommandAdapter(command, command)
  const named = recogniseCommand(words, formats)
  const expected = /\bstream-json\b|(?<!\S)--json\b/.test(commandLine) ? named : undefined
  const prints = ({ recognise }: OutputFormat, event: JsonObject): number => recognise?.([event]) ?? 0

  const isResuming = ({ resumes }: OutputFormat): boolean => resumes?.(commandLine) ?? RESUMES.test(commandLine)

  function open (
    format: OutputFormat, sessionId: string | undefined, state: RecognisingState, log: ActivityLog
  ): Reader {
    const key = keyOf(format, sessionId)
    const isFirst = !state.latest.has(format)
    const isResumed = state.bySession.has(key) || (isFirst && isResuming(format))
    const reader = { format, parser: format.createParser({ isResumed }), log: log.session() }
    debug.providers('recognised %s, reader %d', format.name, state.readers.length + 1)
    state.readers.push(reader)
    state.latest.delete(format)
    state.latest.set(format, reader)
    if (sessionId !== undefined) state.bySession.set(key, reader)
    for (const line of state.errorLines) reader.parser.errorLine?.(line, reader.log)
    state.errorLines = []
    return reader
  }

  /** Another process or session: those that take turns print nothing any more; those side by side open calls later. */
  function begin (format: OutputFormat, event: JsonObject, state: RecognisingState, log: ActivityLog): Reader {
    for (const reader of state.active) reader.log.abortCalls()
    state.active.clear()
    return open(format, format.sessionOf?.(event), state, log)
  }

  /** Whose object it is; undefined while nobody knows. */
  function readerOf (event: JsonObject, state: RecognisingState, log: ActivityLog): Reader | undefined {
    const { current, latest, bySession } = state
    const isNew = (format: OutputFormat): boolean => {
      const sessionId = format.sessionOf?.(event)
      return format.begins?.(event) === true || (sessionId !== undefined && !bySession.has(keyOf(format, sessionId)))
    }
    const inSession = (reader: Reader): Reader =>
      bySession.get(keyOf(reader.format, reader.format.sessionOf?.(event))) ?? reader
    const reader = current !== undefined && prints(current.format, event) > 0
      ? current
      : [...latest.values()].findLast(({ format }) => prints(format, event) > 0)
    if (reader !== undefined) {
      return isNew(reader.format) ? begin(reader.format, event, state, log) : inSession(reader)
    }
    const certain = formats.find((format) => prints(format, event) >= CERTAIN)
    if (certain !== undefined) return begin(certain, event, state, log)
    // In the middle of a session it is a kind of event that is newer than this parser.
    const isGoingOn = current !== undefined && current.parser.facts().outcome === undefined
    const sessionId = current?.format.sessionOf?.(event)
    const isItsOwn = sessionId !== undefined && bySession.has(keyOf(current!.format, sessionId))
    return isGoingOn || isItsOwn ? inSession(current!) : undefined
  }

  function takeObject (pending: Pending, state: RecognisingState, log: ActivityLog): void {
    // What came before belongs to the first that is certain, too.
    const isUndecided = state.current === undefined && state.pending.length > 0
    const reader = isUndecided ? undefined : readerOf(pending.event, state, log)
    if (reader === undefined) {
      state.pending.push(pending)
      return decide(state, log, false)
    }
    if (state.pending.length > 0) decide(state, log, true)
    give(pending.event, reader, state)
  }

  function give (event: JsonObject, reader: Reader, state: RecognisingState): void {
    state.current = reader
    state.active.add(reader)
    reader.parser.event(event, reader.log)
  }

  /** Looks at all that is pending. */
  function decide (state: RecognisingState, log: ActivityLog, isLast: boolean): void {
    const { pending } = state
    const events = pending.map(({ event }) => event)
    const isEnough = isLast || events.length >= MAX_PENDING || state.unknown.isKnown
    let best: OutputFormat | undefined
    let bestConfidence = isEnough ? 0 : CERTAIN - Number.EPSILON
    for (const format of formats) {
      const confidence = format.recognise?.(events) ?? 0
      if (confidence > bestConfidence && confidence >= (format === named ? NAMED : LIKELY)) {
        [best, bestConfidence] = [format, confidence]
      }
    }
    if (best === undefined && !isEnough) return
    state.pending = []
    if (best === undefined) return takeUnknown(pending, state, log)
    const { sessionOf } = best
    const reader = begin(best, events.find((event) => sessionOf?.(event) !== undefined) ?? events[0]!, state, log)
    give(events[0]!, reader, state)
    for (const one of pending.slice(1)) takeObject(one, state, log)
  }

  /** Records of a log and a single object are what programs print that are no agents. */
  function takeUnknown (pending: readonly Pending[], state: RecognisingState, log: ActivityLog): void {
    const isAgent = state.unknown.isKnown || pending.filter(({ event }) => !isLogRecord(event)).length > 1
    if (isAgent) state.unknown.take(pending, log)
    for (const { raw } of pending) {
      keepLine(raw, state.plain)
      if (!isAgent) log.output(`${raw}\n`)
    }
  }

  function takeText (line: Line, state: RecognisingState, log: ActivityLog): void {
    const { current } = state
    // What a script prints between its agents is its own.
    const isWithin = current !== undefined && current.parser.facts().outcome === undefined
    if (!isWithin) return plain.line(line, state.plain, log)
    if (current.parser.text !== undefined) current.parser.text(line.text, current.log)
    else tellText(line.text, line, current.log)
  }

  return {
    name: command,
    command,
    args: (_call, extraArgs) => extraArgs,
    start: () => ({
      plain: plain.start({}),
      unknown: createUnknownOutput(),
      readers: [],
      bySession: new Map(),
      latest: new Map(),
      active: new Set(),
      pending: [],
      errorLines: []
    }),
    line (line, state, log) {
      state.log = log
      if (state.current?.parser.isNoise?.(line.text) === true) return
      const parts = mayHoldObject(line) ? readJsonLine(line) : []
      const isMixed = parts.some((part) => typeof part === 'string')
      const isKnown = parts.some((part) => isObject(part) &&
        (!isMixed || state.current !== undefined || formats.some((format) => prints(format, part) > 0)))
      if (!isKnown) return takeText(line, state, log)
      for (const part of parts) {
        if (typeof part === 'string') takeText({ ...line, text: part }, state, log)
        else takeObject({ event: part, raw: parts.length === 1 ? line.text : JSON.stringify(part) }, state, log)
      }
    },
    errorLine (line, state, log) {
      // A parser reports the few lines that it understands; a person wants to see the rest, too.
      plain.errorLine!(line, state.plain, log)
      if (state.current !== undefined) state.current.parser.errorLine?.(line, state.current.log)
      else if (state.errorLines.length < MAX_ERROR_LINES) state.errorLines.push(line)
    },
    facts: ({ current, readers }) => ({
      ...current?.parser.facts(),
      hasBackgroundWork: readers.some(({ parser }) => parser.facts().hasBackgroundWork === true)
    }),
    verdict (state, end) {
      const { log } = state
      if (log !== undefined && state.pending.length > 0) decide(state, log, true)
      if (state.readers.length === 0 && expected !== undefined && !state.unknown.isKnown) {
        return missed(expected, state, end)
      }
      const verdicts = state.readers.map(({ format, parser }) => verdictOf(format, parser, end))
      const last = verdicts.at(-1)
      return last === undefined
        ? plain.verdict(state.plain, end)
        : compact({ ...last, usage: sumUsage(verdicts.map(({ usage }) => usage)) }) as Verdict
    }
  }

  /** The command line promised a format of which nothing came: exit code 0 is then no success. */
  function missed (format: OutputFormat, state: RecognisingState, end: ProcessEnd): Verdict {
    const log = state.log ?? createActivityLog()
    const { response, error } = plain.verdict(state.plain, end)
    const verdict = verdictOf(format, open(format, undefined, state, log).parser, end)
    return compact({ ...verdict, response, error: error ?? verdict.error }) as Verdict
  }
}

function keyOf (format: OutputFormat, sessionId: string | undefined): string {
  return `${format.name} ${sessionId ?? ''}`
}

/** Cheap: most lines of most programs hold none. */
function mayHoldObject ({ text }: Line): boolean {
  return text.includes('{"') || /^[^{]{0,100}\{\s*"/.test(text)
}

function isLogRecord (event: JsonObject): boolean {
  return ('level' in event || 'severity' in event) && ('msg' in event || 'message' in event)
}
