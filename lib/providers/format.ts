import type { Usage } from '../model/activity.js'
import type { ActivityLog } from './activity-log.js'
import type { Verdict } from './verdict.js'
import type { JsonObject } from './json.js'
import type { Line } from './process/lines.js'
import type { ProcessEnd } from './process/process-end.js'

/**
 * The structured output of one program: JSON, one object a line. What `run` recognises is a list of these; `command()`
 * takes one, too.
 *
 * @example
 * const format = {
 *   name: 'my-agent',
 *   recognise: ([first]) => first.type === 'hello' && 'my_agent_version' in first ? 1 : 0,
 *   createParser () {
 *     const facts = {}
 *     return {
 *       event (event, log) {
 *         if (event.type === 'say') log.output(facts.response = event.text, { source: 'assistant' })
 *         if (event.type === 'done') facts.outcome = event.ok ? 'success' : 'failure'
 *       },
 *       facts: () => facts
 *     }
 *   }
 * }
 */
export interface OutputFormat {
  /** In lower case, as the provider is called: `droid`. */
  readonly name: string
  /**
   * How sure it is that these objects are its own: 0 they are not, 1 nobody else prints them.
   *
   * Called with the objects that nobody has claimed yet, oldest first, up to ten; and, once some output was recognised,
   * with single ones out of the middle: it is then enough to return a little more than 0 for what this format prints.
   * At 1 the format is chosen at once, so 1 is for the mark of the program (a version member, a name that is only its
   * own); else the most certain one wins after ten objects or at the end, from 0.5 on, or from 0.1 on where the command
   * line names the program. A format without this is never recognised.
   */
  readonly recognise?: (objects: readonly JsonObject[]) => number
  /** The object begins another process or session, though its session has been seen: what went before is over. */
  readonly begins?: (event: JsonObject) => boolean
  /** The session that an object belongs to, if it says so: parallel sessions are then told apart. */
  readonly sessionOf?: (event: JsonObject) => string | undefined
  /** Names of the program on a command line, where they differ from {@link name}. */
  readonly commands?: readonly string[]
  /** The command line goes on with a session. Default: a word `--resume`, `--continue` or `resume`. */
  readonly resumes?: (commandLine: string) => boolean
  /** Made for each process, or each session in it. All that it remembers of one is in its parser. */
  readonly createParser: (start: ParserStart) => OutputParser
}

/** What is known before the first line. */
export interface ParserStart {
  /** It goes on with an earlier session: counts that are of the whole session are not those of the run. */
  readonly isResumed: boolean
  readonly model?: string
}

/** Reads one session. It may throw: the line is then shown as unreadable, and the run goes on. */
export interface OutputParser {
  /** One object. Texts are handed on whole: caps and redaction come later. */
  event (event: JsonObject, log: ActivityLog): void
  /** Text between the objects: other programs' words, or a line that was cut off. Default: shown as a notice. */
  text? (text: string, log: ActivityLog): void
  /** A line of stderr. */
  errorLine? (line: Line, log: ActivityLog): void
  /** Instead of {@link event} and {@link text}: for programs that print no JSON. */
  line? (line: Line, log: ActivityLog): void
  /** A line that is not worth parsing, known by its first characters. */
  isNoise? (text: string): boolean
  /** What is known by now. Asked at the end, and while the program is silent: cheap, and without effects. */
  facts (): RunFacts
  /** Replaces the judgement of {@link judge}, where facts do not suffice. */
  verdict? (end: ProcessEnd): Verdict
}

/** What a session has come to so far. */
export interface RunFacts {
  /**
   * What the last terminal event said. Undefined before it, and again once something new begins: a program that is
   * silent after `success` is one that does not exit.
   */
  readonly outcome?: 'success' | 'failure'
  /** It has no terminal event: with exit code 0 it is a success. */
  readonly isOutcomeByExit?: boolean
  /** Work that goes on after the outcome, apart from calls that are open. */
  readonly hasBackgroundWork?: boolean
  /** The answer, or the last words so far. */
  readonly response?: string
  /** In the program's words. */
  readonly error?: string
  /** In one word, of a failure: `rate_limit`, `max_turns`. */
  readonly reason?: string
  readonly sessionId?: string
  readonly model?: string
  /** Of this run alone, sub-agents included. */
  readonly usage?: Usage
}
