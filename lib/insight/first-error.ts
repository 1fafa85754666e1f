import { FILE, placeBefore, placeNear, placeOf, type ErrorPlace } from './error-place.js'
import type { FirstError } from '../model/activity-facts.js'
import { shortenText } from '../text/cut.js'

/** Of a longer text beginning and end are read. */
const MAX_CHARS = 262_144
const MAX_LINES = 4_000
const MAX_LINE_CHARS = 2_000
const MESSAGE_CHARS = 300

interface Match {
  readonly message: string
  readonly place?: ErrorPlace | undefined
}

/** One way in which programs report an error. */
type Rule = (lines: readonly string[], index: number) => Match | undefined

type Finder = (lines: readonly string[], index: number) => ErrorPlace | undefined

/** A rule for a line; its pattern has the groups `message`, and `file` and `line` where it knows them. */
function onLine (pattern: RegExp, find?: Finder): Rule {
  return (lines, index) => {
    const groups = pattern.exec(lines[index] as string)?.groups
    if (groups === undefined) return undefined
    const { message = '', file, line } = groups
    return { message, place: file === undefined ? find?.(lines, index) : placeOf(file, line) }
  }
}

/** A heading, whose message is the next line with something on it; the place stands in the heading or near it. */
function heading (pattern: RegExp): Rule {
  return (lines, index) => {
    const groups = pattern.exec(lines[index] as string)
    if (groups === null) return undefined
    const { file, line } = groups.groups ?? {}
    const message = nextLine(lines, index)
    if (message === undefined) return undefined
    return { message, place: file === undefined ? placeNear(lines, index) : placeOf(file, line) }
  }
}

function nextLine (lines: readonly string[], index: number, skip = 0): string | undefined {
  return lines.slice(index + 1, index + 8).filter((line) => line.trim() !== '')[skip]?.trim()
}

const at = (text: string, flags = ''): RegExp => new RegExp(text.replaceAll('FILE', FILE), flags)

/** The name of an error as languages print it: `TypeError`, `java.io.IOException`, `AssertionError [X]`. */
const NAMED = String.raw`(?:[\w$]+[.:\\]+)*[\w$]*(?:Error|Exception|AssertionFailedError|Interrupt)(?: \[\w+\])?`
const NAMED_LINE = new RegExp(String.raw`^\s*(?:error: )?(?:Unhandled [Ee]xception\. ?|Exception in thread "[^"]*" |Caused by: )?(?:Uncaught )?(?:\(in promise\) )?(?<message>${NAMED}:\s+\S.*)$`)

/** What a compiler, a test runner or a crash says with its own syntax. */
const SURE: readonly Rule[] = [
  // TypeScript, C#, MSBuild: file(12,5): error TS2322: …
  onLine(at(String.raw`^\s*(?<file>FILE)\((?<line>\d+)(?:,\d+)?\):\s+(?:fatal )?(?<message>error\b.*)$`)),
  // gcc, clang, swift, javac, mypy, pyright, tsc --pretty: file:12:5: error: …
  onLine(at(String.raw`^\s*(?<file>FILE):(?<line>\d+)(?::\d+)?:?\s+(?:-\s+)?(?<message>(?:fatal |syntax )?error\b.*)$`, 'i')),
  // Kotlin
  onLine(at(String.raw`^e: (?:file://)?(?<file>FILE):(?<line>\d+):\d+:? (?<message>.+)$`)),
  // Maven
  onLine(at(String.raw`^\[ERROR\]\s+(?<file>FILE):\[(?<line>\d+),\d+\]\s+(?<message>.+)$`)),
  // Go: vet, build, and what a test logs
  onLine(/^\s*(?:vet: )?(?<file>[\w./-]+\.go):(?<line>\d+)(?::\d+)?:\s+(?<message>.+)$/),
  // Go with testify
  onLine(/^\s+Error:\s{2,}(?<message>\S.*)$/, placeBefore),
  // GoogleTest
  (lines, index) => {
    const found = at(String.raw`^(?<file>FILE):(?<line>\d+): Failure$`).exec(lines[index] as string)?.groups
    return found && { message: `Failure: ${nextLine(lines, index) ?? ''}`, place: placeOf(found.file as string, found.line) }
  },
  // Rust
  onLine(/^(?<message>error(?:\[E\d+\])?: (?!could not compile|aborting|test failed|Uncaught|subprocess-exited|failed to push|\w+Error: ).+)$/, placeNear),
  (lines, index) => {
    const found = /^\s*thread '(?<name>.*)' (?:\(\d+\) )?panicked at (?:'(?<old>.*)', )?(?<file>\S+?):(?<line>\d+):\d+:?$/.exec(lines[index] as string)?.groups
    const name = found?.name?.includes('::') === true ? `${found.name} ` : ''
    return found && { message: `${name}panicked: ${found.old ?? lines[index + 1]?.trim() ?? ''}`, place: placeOf(found.file as string, found.line) }
  },
  // pytest
  onLine(/^E\s{2,}(?<message>\S.*)$/, placeNear),
  // Jest
  (lines, index) => {
    const title = /^\s*● (?!Console$)(?<title>\S.*)$/.exec(lines[index] as string)?.groups?.title
    if (title === undefined) return undefined
    const said = nextLine(lines, index) ?? ''
    // A compiler's word, which is read on its own line.
    if (/^\S+[:(]\d+[:,]\d+/.test(said)) return undefined
    const place = placeNear(lines, index)
    if (NAMED_LINE.test(said) || title === 'Test suite failed to run') return { message: said, place }
    return { message: `${title}: ${said}`, place }
  },
  // PHPUnit, minitest, ExUnit, RSpec
  heading(/^\d+\) \w+(?:\\\w+)*::\w+/),
  onLine(at(String.raw`^(?<message>\S+#\S+) \[(?<file>FILE):(?<line>\d+)\]:`)),
  (lines, index) => {
    const found = /^\s+\d+\) test (?<title>.+) \(\S+\)$/.exec(lines[index] as string)?.groups
    return found && { message: `${found.title}: ${nextLine(lines, index, 1) ?? ''}`, place: placeNear(lines, index) }
  },
  onLine(/^\s*(?<message>Failure\/Error: .+)$/, placeNear),
  // .NET
  heading(/^\s*Error Message:$/),
  // Errors with a name, in all languages that have them
  onLine(NAMED_LINE, placeNear),
  (lines, index) => {
    if (!/^Traceback \(most recent call last\)/.test(lines[index] as string)) return undefined
    const end = lines.findIndex((line, place) => place > index && /^[\w.]+(?:: .*)?$/.test(line))
    return end === -1 ? undefined : { message: lines[end] as string, place: placeBefore(lines, end) }
  },
  onLine(/^(?<message>(?:[a-z][\w$]*\.)+[A-Z][\w$]*(?:Exception|Error))$/, placeNear),
  // Scala, Lua, Elixir
  onLine(at(String.raw`^\[error\]\s+(?<file>FILE):(?<line>\d+)(?::\d+)?: (?<message>.+)$`)),
  onLine(at(String.raw`^lua[\d.]*: (?<file>FILE):(?<line>\d+): (?<message>.+)$`)),
  onLine(at(String.raw`^\*\* \(\w+\) (?<file>FILE):(?<line>\d+): (?<message>.+)$`)),
  // Julia, Flutter
  onLine(/^ERROR: (?<message>(?:LoadError: )?\w+Error: .+)$/, placeNear),
  onLine(/^\d\d:\d\d \+\d+(?: ~\d+)? -\d+: (?<message>.+ \[E\])$/, placeNear),
  // Ruby, PHP
  onLine(at(String.raw`^\s*(?<file>FILE):(?<line>\d+):in [\x60'].*?': (?<message>.+)$`)),
  onLine(/^(?:PHP )?(?<message>(?:Fatal|Parse) error: .+?) in (?<file>\S+?)(?: on line |:)(?<line>\d+)/),
  // Go
  onLine(/^\s*(?<message>panic: .+)$/, placeNear),
  // Memory and crashes
  onLine(/^.*?(?<message>(?:FATAL ERROR: .*)?JavaScript heap out of memory.*|\bOOMKilled\b.*|\b[Oo]ut of memory\b.*|\bCannot allocate memory\b.*|^Killed\b.*)$/),
  onLine(/^.*?(?<message>AddressSanitizer: .+|UndefinedBehaviorSanitizer.*|Segmentation fault.*|Bus error.*|Illegal instruction.*|UnhandledPromiseRejection.*)$/, placeNear),
  // ESLint, stylelint: a place below the file's name
  (lines, index) => {
    const found = /^\s+(?<line>\d+):\d+\s+(?:error|✖)\s{2,}(?<message>.+)$/.exec(lines[index] as string)?.groups
    if (found === undefined) return undefined
    const file = lines.slice(Math.max(0, index - 200), index).findLast((line) => /^\S*[\\/]\S+\.\w+$/.test(line))
    return { message: (found.message as string).replace(/\s{2,}/, ' '), place: file === undefined ? undefined : placeOf(file, found.line) }
  },
  // Bundlers, linkers, CMake
  onLine(/^\s*✘ \[ERROR\] (?<message>.+)$/, placeNear),
  heading(/^ERROR in (?<file>\.?\/\S+)(?: (?<line>\d+):\d+.*)?$/),
  onLine(at(String.raw`^(?<file>FILE) \((?<line>\d+):\d+\): (?<message>.+)$`)),
  onLine(/^(?<message>Type error: .+)$/, placeBefore),
  onLine(/^.*?(?<message>undefined reference to .+|undefined symbol: .+|duplicate symbol .+|Undefined symbols for architecture.*)$/),
  onLine(/^(?<message>CMake Error at (?<file>\S+?):(?<line>\d+).*)$/),
  // Infrastructure
  onLine(/^(?<message>Error: (?!Command failed|Process completed).+)$/, placeNear),
  onLine(/^(?:psql:)?(?<file>\S+\.sql):(?<line>\d+): ERROR:\s+(?<message>.+)$/),
  onLine(/^(?:fatal|failed): \[[^\]]+\](?:: \w+!)? => .*?"msg": "(?<message>.+?)"[,}]/)
]

/** What test runners, package managers and version control say in lines of their own. */
const FAIRLY_SURE: readonly Rule[] = [
  onLine(/^\s*(?<message>--- FAIL: \S+).*$/, placeNear),
  onLine(at(String.raw`^FAILED (?<file>FILE)(?<message>::\S+(?: - .*)?)$`)),
  onLine(/^\s*(?<message>(?:not ok\b|✗|✘|✖|✕|×)\s*(?!\d+ problems?\b|failing tests|Building wheel)\S.*)$/, placeNear),
  onLine(at(String.raw`^\s*FAIL\s+(?<file>FILE)(?<message>\s+>\s+.*)?$`)),
  onLine(/^\s+\d+\)\s+(?<message>\S.*)$/),
  heading(/^\* What went wrong:$/),
  onLine(at(String.raw`^(?<file>FILE):(?<line>\d+):\d+:? (?!\s*(?:warning|note|info|hint|remark|help)\b)(?!.*━)(?<message>\S.*)$`)),
  onLine(/^(?<message>Diff in (?<file>\S+?):(?<line>\d+)):?$/),
  onLine(at(String.raw`^(?<message>.+ at (?<file>FILE) line (?<line>\d+)[.,].*)$`)),
  // PowerShell
  (lines, index) => {
    const found = /^At (?<file>\S.*?):(?<line>\d+) char:\d+/.exec(lines[index + 1] ?? '')?.groups
    return found && { message: lines[index] as string, place: placeOf(found.file as string, found.line) }
  },
  onLine(/^(?<message>In (?<file>\S+) line (?<line>\d+)):$/),
  onLine(/^(?<message>CONFLICT \(.+?\): .*?(?: in (?<file>\S+))?)$/),
  onLine(/^\s*! \[(?:remote )?rejected\]\s+(?<message>.+)$/),
  onLine(/^➤ YN(?:0001|0009|0016|0018|0028|0035|0041|0046|0078|0080|0081|0082): (?:[│└] )?(?<message>.+)$/),
  onLine(/^\s*(?<message>ERR_PNPM_\w+\s.*)$/),
  onLine(/^.*?(?<message>Error response from daemon: .+|No rule to make target .+)$/),
  // make, ctest and others sum up what was said before
  onLine(/^.*?(?<message>#\d+: \S+ \.+\s?\*\*\*(?:Failed|Exception).*)$/)
]

/** What shells, the system and the network say. */
const SYSTEM: readonly Rule[] = [
  onLine(/^(?<message>.*\bcommand not found\b.*|(?:\/bin\/)?\w+: \d+: .*: not found.*|.*is not recognized as an internal or external command.*)$/),
  onLine(/^(?<file>(?!(?:\/\S*\/)?(?:ba|z|da|k)?sh:)[^\s:]+): line (?<line>\d+): (?<message>.+)$/),
  onLine(/^(?:(?:\/\S*\/)?(?:ba|z|k|da)?sh: line \d+: )(?<message>.+)$/),
  onLine(/^(?<message>.*\b(?:ECONNREFUSED|ECONNRESET|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|ENETUNREACH)\b (?!\w+$).*|.*\b(?:Could not resolve host|Connection refused|Connection timed out|Network is unreachable|Temporary failure in name resolution|Cannot connect to)\b.*)$/i),
  onLine(/^(?<message>.*\b(?:ENOENT|EACCES|EPERM|ENOSPC|EADDRINUSE|EMFILE|EROFS)\b:? .*|.*\b(?:No such file or directory|Permission denied|Operation not permitted|No space left on device|Address already in use|Read-only file system)\b.*)$/i),
  onLine(/^(?:npm (?:ERR!|error|err!))\s+(?<message>(?!A complete log|code |errno |syscall |path |command |workspace |location |Lifecycle script |\d+\s*$).*\S.*)$/),
  onLine(/^E: (?<message>.+)$/)
]

/** No word of an error, though the word is in it. */
const NO_ERROR = /\b(?:0|no|without|zero) (?:known )?(?:errors?|failures?|failed|failing|exceptions?)\b|^\s*(?:✓|✔|√|ok\b|PASS\b)|\.\.\. (?:ok|PASSED)$|\b(?:errors?|failed|failures?|fail)\s*[:=]\s*0\b|^(?:BUILD FAILED|FAILURE: Build failed|Failed to compile\.?$|\*\* BUILD FAILED|Found \d+ errors?|make(?:\[\d+\])?: \*\*\*|error during build:$)/i

/** What only has the word in it, from the more exact to the less. */
const VAGUE: readonly Rule[] = [
  onLine(/^(?:\[?(?:ERROR|FATAL|CRITICAL|SEVERE)\]?:?|(?:error|fatal):|error(?= [A-Z]))\s*(?<message>(?!subprocess-exited).*\S.*)$/),
  onLine(/^\s*(?:\S{1,40}: )?(?<message>(?:fatal|error|failed|failure)\b[:!] ?.*\S.*)$/i),
  onLine(/^(?<message>.*(?:\b(?:couldn't|could not|cannot|can't|unable to|timed out|not met|Code style issues|would reformat)\b|\b(?:error|fatal|failure|exception): |\bfailed (?:to|with)\b|\bHTTP\/[\d.]+ [45]\d\d\b|\b[1-9]\d* (?:\w+ )?(?:failed|failures?|errors?|failing)\b).*)$/i),
  onLine(/^(?<message>.*\b(?:not found|missing|invalid|unknown|denied|refused|no such|does not exist)\b.*)$/i),
  onLine(/^(?<message>.*(?:(?<![\w./-])(?:errors?|fail(?:ed|ure|s)?|exception|panic|fatal)(?![\w./-])|\w(?:Error|Exception)\b).*)$/i)
]

const TIERS: readonly (readonly Rule[])[] = [SURE, FAIRLY_SURE, SYSTEM, ...VAGUE.map((rule) => [rule])]
/** From here on what is said is no error unless it says more than the word. */
const FIRST_VAGUE = 3

/** Where test runners begin to tell what failed; what went before is the tests' own output. */
const FAILURES = /^\s*● (?!Console$)\S|^=+ (?:FAILURES|ERRORS) =+|^failures:$|Failed Tests \d|^✖ failing tests:|^\s*\d+ failing$|^Failures:$|^There (?:was|were) \d+ (?:failure|error)/

/**
 * The first error that an output tells of, by the syntax of compilers, test runners, stack traces and shells: what is
 * said in a syntax of its own comes before what only has the word in it; among those alike, the first line counts, for
 * what follows is mostly its consequence.
 *
 * @param output of a call that failed; of more than 262,144 characters or 4,000 lines beginning and end are read
 * @returns undefined where it is empty; of one in which nothing looks like an error, its first line
 */
export function firstErrorOf (output: string): FirstError | undefined {
  const lines = linesOf(output)
  const start = lines.findIndex((line) => FAILURES.test(line))
  const match = (start > 0 ? search(lines, start, TIERS.slice(0, 1)) : undefined) ?? search(lines, 0, TIERS)
  const message = shorten((match?.message.trim() ?? '') || match?.place?.file || lines.find((line) => line !== '') || '')
  if (message === '') return undefined
  return { message, ...(match?.place !== undefined && { location: match.place }) }
}

/** The first line that a rule of the surest tier fits. */
function search (lines: readonly string[], from: number, tiers: ReadonlyArray<readonly Rule[]>): Match | undefined {
  let best: { readonly tier: number, readonly index: number, readonly match: Match } | undefined
  for (let index = from; index < lines.length && best?.tier !== 0; index++) {
    if (lines[index] === '') continue
    const isNone = NO_ERROR.test(lines[index] as string)
    const upTo = Math.min(best?.tier ?? tiers.length, isNone ? FIRST_VAGUE : tiers.length)
    for (let tier = 0; tier < upTo; tier++) {
      const match = firstMatch(tiers[tier] ?? [], lines, index)
      if (match === undefined) continue
      best = { tier, index, match }
      break
    }
  }
  if (best === undefined || best.tier > 0) return best?.match
  return { ...best.match, message: withTest(best.match.message, lines, best.index) }
}

/** How test runners name the test that what follows is about: Go, pytest, Vitest. */
const TESTS: readonly RegExp[] = [
  /^\s*--- FAIL: (?<test>\S+)/, /^_{3,} (?<test>\S.*?) _{3,}$/, /^\s*FAIL\s+\S+ > (?<test>.+)$/
]
const LINES_BELOW_TEST = 60

/** Whose error it is. */
function withTest (message: string, lines: readonly string[], index: number): string {
  for (const line of lines.slice(Math.max(0, index - LINES_BELOW_TEST), index).reverse()) {
    const test = TESTS.map((pattern) => pattern.exec(line)?.groups?.test).find((name) => name !== undefined)
    if (test !== undefined) return message.includes(test) ? message : `${test}: ${message}`
  }
  return message
}

function firstMatch (rules: readonly Rule[], lines: readonly string[], index: number): Match | undefined {
  for (const rule of rules) {
    const match = rule(lines, index)
    if (match !== undefined) return match
  }
  return undefined
}

/** What agents put around an output, and what says only that there was an error. */
const FRAME = /^(?:exit code:? -?\d+|exit status \d+|process exited with code \d+|command failed|\[… .* left out: .*…\])\.?$/i
// eslint-disable-next-line no-control-regex -- colours and links of terminals
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\))/g
/** Before each line of a build in a container, and of a box that is drawn around a message. */
const MARGIN = /^(?:#\d+ [\d.]+ |[│|╷╵] ?(?=\S|\s{2}on ))/

function linesOf (output: string): string[] {
  const half = MAX_CHARS / 2
  const read = output.length <= MAX_CHARS ? output : `${output.slice(0, half)}\n${output.slice(-half)}`
  const all = read.replace(ESCAPES, '').split('\n')
  const lines = all.length <= MAX_LINES ? all : [...all.slice(0, MAX_LINES / 2), ...all.slice(-MAX_LINES / 2)]
  return lines.map((line) => {
    // What was written over is not seen.
    const written = line.replace(/\r+$/, '')
    const shown = written.slice(written.lastIndexOf('\r') + 1)
    const text = shown.slice(0, MAX_LINE_CHARS).replace(/<\/?(?:tool_use_)?error>/g, '').replace(MARGIN, '').trimEnd()
    return FRAME.test(text.trim()) ? '' : text
  })
}

function shorten (text: string): string {
  const line = text.replace(/\s+/g, ' ')
  return shortenText(line, MESSAGE_CHARS)
}
