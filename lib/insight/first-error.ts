/** The line of an output that says what went wrong first. */
export interface FirstError {
  /** That line, without colours, at most 300 characters. */
  readonly message: string
  /** Where in the code, as the line or those beside it say. */
  readonly location?: { readonly file: string, readonly line?: number }
}

const MAX_LINES = 4_000
const MAX_LINE_CHARS = 2_000
const MESSAGE_CHARS = 300

/** How far from its message a place may stand. */
const LINES_TO_PLACE = 12

const FILE = String.raw`(?:[A-Za-z]:)?[^\s:()'"<>|*?]+\.[A-Za-z]\w{0,8}`

interface Match {
  readonly message: string
  readonly file?: string | undefined
  readonly line?: string | undefined
}

/** One way in which programs report an error. */
type Rule = (lines: readonly string[], at: number) => Match | undefined

/** A rule for a single line; its pattern has the groups `message`, and `file` and `line` where it knows them. */
function onLine (pattern: RegExp): Rule {
  return (lines, at) => {
    const groups = pattern.exec(lines[at] as string)?.groups
    return groups === undefined ? undefined : { message: groups.message ?? '', file: groups.file, line: groups.line }
  }
}

/** Same, with the place on one of the lines behind it, or before it. */
function withPlace (pattern: RegExp, place: RegExp, direction: 1 | -1 = 1): Rule {
  const rule = onLine(pattern)
  return (lines, at) => {
    const match = rule(lines, at)
    return match && { ...match, ...(match.file === undefined ? findPlace(lines, at, place, direction) : {}) }
  }
}

function findPlace (lines: readonly string[], at: number, place: RegExp, direction: 1 | -1): Partial<Match> {
  for (let step = 1; step <= LINES_TO_PLACE; step++) {
    const groups = place.exec(lines[at + direction * step] ?? '')?.groups
    if (groups !== undefined) return { file: groups.file, line: groups.line }
  }
  return {}
}

const at = (text: string, flags = '') => new RegExp(text.replaceAll('FILE', FILE), flags)
/** A frame of a stack that is not the runtime's or a dependency's own. */
const JS_FRAME = at(String.raw`^\s+at\s.*?\(?(?:file://)?(?<file>(?!node:)(?!\S*node_modules)FILE):(?<line>\d+):\d+\)?$`)
const JAVA_FRAME = /^\s+at\s[\w.$<>]+\((?<file>\w+\.(?:java|kt|scala|groovy)):(?<line>\d+)\)/
const PYTHON_FRAME = /^\s+File "(?<file>[^"]+)", line (?<line>\d+)/

/**
 * From the surest to the vaguest: what a compiler, a test runner or a crash says with its own syntax comes before a line
 * that only has the word in it. Within a rule the first line counts: what follows is mostly its consequence.
 */
const RULES: readonly Rule[] = [
  // TypeScript, C#, MSBuild: file(12,5): error TS2322: …
  onLine(at(String.raw`^\s*(?<file>FILE)\((?<line>\d+)(?:,\d+)?\):\s+(?:fatal )?(?<message>error\b.*)$`)),
  // gcc, clang, swift, tsc --pretty, javac: file:12:5: error: …
  onLine(at(String.raw`^\s*(?:e: )?(?:file://)?(?<file>FILE):(?<line>\d+)(?::\d+)?:?\s+(?:-\s+)?(?<message>(?:fatal )?error\b.*)$`, 'i')),
  // Maven: [ERROR] /src/A.java:[12,5] …
  onLine(at(String.raw`^\[ERROR\]\s+(?<file>FILE):\[(?<line>\d+),\d+\]\s+(?<message>.+)$`)),
  // Go: vet, build, and what a test logs
  onLine(/^\s*(?:vet: )?(?<file>[\w./-]+\.go):(?<line>\d+)(?::\d+)?:\s+(?<message>.+)$/),
  // Rust
  withPlace(/^(?<message>error(?:\[E\d+\])?: (?!could not compile|aborting|test failed).+)$/, /^\s*-->\s+(?<file>\S+?):(?<line>\d+):\d+/),
  (lines, index) => {
    const found = /^thread '.*' (?:\(\d+\) )?panicked at (?:'(?<old>.*)', )?(?<file>\S+?):(?<line>\d+):\d+:?$/.exec(lines[index] as string)?.groups
    return found && { message: `panicked: ${found.old ?? lines[index + 1]?.trim() ?? ''}`, file: found.file, line: found.line }
  },
  // pytest: the assertion, then its place
  withPlace(/^E\s{2,}(?<message>\S.*)$/, at(String.raw`^(?<file>FILE):(?<line>\d+): \w`)),
  // Jest, Vitest, Mocha, node:test and uncaught errors: an error with a stack
  withPlace(/^\s*(?:Uncaught )?(?<message>(?:\w*Error|AssertionError)(?: \[\w+\])?: \S.*)$/, JS_FRAME),
  // Python: the last line of a traceback, its place before it
  (lines, index) => {
    if (!/^Traceback \(most recent call last\)/.test(lines[index] as string)) return undefined
    for (let end = index + 1; end < lines.length && end < index + 200; end++) {
      const found = /^(?<message>[\w.]+(?:Error|Exception|Interrupt|Warning|Exit)\b.*)$/.exec(lines[end] as string)?.groups
      if (found !== undefined) return { message: found.message as string, ...findPlace(lines, end, PYTHON_FRAME, -1) }
    }
    return undefined
  },
  withPlace(/^(?<message>(?:SyntaxError|IndentationError|TabError): .*)$/, PYTHON_FRAME, -1),
  // The JVM
  withPlace(/^(?:Exception in thread "[^"]*" |Caused by: )?(?<message>(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error)(?:: .*)?)$/, JAVA_FRAME),
  // Ruby, PHP
  onLine(at(String.raw`^\s*(?<file>FILE):(?<line>\d+):in [\x60'].*?': (?<message>.+)$`)),
  onLine(/^(?:PHP )?(?<message>(?:Fatal|Parse) error: .+?) in (?<file>\S+?)(?: on line |:)(?<line>\d+)/),
  // Go tests and panics
  withPlace(/^\s*(?<message>panic: .+)$/, /^\s+(?<file>\S+\.go):(?<line>\d+)/),
  withPlace(/^\s*(?<message>--- FAIL: \S+).*$/, /^\s+(?<file>\S+\.go):(?<line>\d+): /),
  // Memory, before what the dying process says besides
  onLine(/^.*?(?<message>(?:FATAL ERROR: .*)?JavaScript heap out of memory.*|\bOOMKilled\b.*|\b[Oo]ut of memory\b.*|\bCannot allocate memory\b.*|^Killed\b.*)$/),
  // ESLint: a place below the file's name
  (lines, index) => {
    const found = /^\s+(?<line>\d+):\d+\s+error\s{2,}(?<message>.+)$/.exec(lines[index] as string)?.groups
    if (found === undefined) return undefined
    const file = lines.slice(Math.max(0, index - 200), index).findLast((line) => /^\S*[\\/]\S+\.\w+$/.test(line))
    return { message: (found.message as string).replace(/\s{2,}/, ' '), line: found.line, file }
  },
  // Test runners' own lines
  onLine(at(String.raw`^FAILED (?<file>FILE)(?<message>::\S+(?: - .*)?)$`)),
  onLine(/^\s*(?<message>(?:not ok\b|✗|✘|✖|✕|×)\s*\S.*)$/),
  withPlace(/^\s*●\s+(?<message>.*\S)\s*$/, JS_FRAME),
  onLine(at(String.raw`^\s*FAIL\s+(?<file>FILE)(?<message>\s+>\s+.*)?$`)),
  onLine(/^\s+\d+\)\s+(?<message>\S.*)$/),
  // Shells and the system
  onLine(/^(?<message>.*\bcommand not found\b.*|(?:\/bin\/)?\w+: \d+: .*: not found.*|.*is not recognized as an internal or external command.*)$/),
  onLine(/^(?<message>.*\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ENETUNREACH)\b.*|.*\b(?:Could not resolve host|Connection refused|Connection timed out|Network is unreachable|Temporary failure in name resolution)\b.*)$/i),
  onLine(/^(?<message>.*\b(?:ENOENT|EACCES|EPERM|ENOSPC|EADDRINUSE|EMFILE)\b.*|.*\b(?:No such file or directory|Permission denied|Operation not permitted|No space left on device|Address already in use)\b.*)$/i),
  // Programs that begin the line with the word
  onLine(/^(?:npm (?:ERR!|error)(?: code)?|\[?(?:ERROR|FATAL)\]?:?)\s+(?<message>(?!A complete log|code E?LIFECYCLE|path |command ).*\S.*)$/),
  onLine(/^\s*(?:\S{1,40}: )?(?<message>(?:fatal|error|failed|failure)\b[:!]? ?.*\S.*)$/i),
  onLine(/^(?<message>(?!.*\b(?:0|no|without) (?:errors?|failures?|failed)\b).*(?:\berrors?\b|\bfail(?:ed|ure|s)?\b|\bexception\b|\bpanic\b|\bfatal\b|\w(?:Error|Exception)\b).*)$/i)
]

/**
 * The first error that an output tells of, by the syntax of compilers, test runners, stack traces and shells.
 *
 * @param output of a call that failed; only its first 4,000 lines are read
 * @returns undefined where it is empty; of one in which nothing looks like an error, its first line
 */
export function firstErrorOf (output: string): FirstError | undefined {
  const lines = linesOf(output)
  let best: { readonly rank: number, readonly match: Match } | undefined
  for (let index = 0; index < lines.length; index++) {
    if (lines[index] === '') continue
    const upTo = best?.rank ?? RULES.length
    for (let rank = 0; rank < upTo; rank++) {
      const match = RULES[rank]?.(lines, index)
      if (match === undefined) continue
      best = { rank, match }
      break
    }
    if (best?.rank === 0) break
  }
  const match = best?.match ?? { message: lines.find((line) => line !== '') ?? '' }
  const message = shorten(match.message.trim() || match.file || '')
  if (message === '') return undefined
  const { file, line } = match
  return { message, ...(file === undefined ? {} : { location: { file, ...(line === undefined ? {} : { line: Number(line) }) } }) }
}

/** What agents put around an output, and what says only that there was an error. */
const FRAME = /^(?:exit code:? -?\d+|exit status \d+|process exited with code \d+|command failed|\[… .* left out: .*…\])\.?$/i
// eslint-disable-next-line no-control-regex -- colours and links of terminals
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g

function linesOf (output: string): string[] {
  return output.replace(ESCAPES, '').split(/\r?\n/, MAX_LINES).map((line) => {
    const text = line.slice(0, MAX_LINE_CHARS).replace(/<\/?(?:tool_use_)?error>/g, '').trimEnd()
    return FRAME.test(text.trim()) ? '' : text
  })
}

function shorten (text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return line.length <= MESSAGE_CHARS ? line : `${line.slice(0, MESSAGE_CHARS - 1).replace(/[\ud800-\udbff]$/, '')}…`
}
