/** A place in the code. */
export interface ErrorPlace {
  readonly file: string
  readonly line?: number
}

/** A path with an ending, as it stands in a regular expression. */
export const FILE = String.raw`(?:[A-Za-z]:[\\/])?[^\s:()'"<>|*?\[\]]+\.[A-Za-z]\w{0,9}`

/** How far from its message a place may stand: before it stands a source excerpt, after it a difference of values. */
const LINES_AFTER = 30
const LINES_BEFORE = 15

/** Of a runtime, a test runner or a dependency: not where the fault is. */
const FOREIGN = /node_modules|^node:|^internal\/|site-packages|dist-packages|\/lib\/python3|^\/usr\/local\/go\/|\/go\/src\/(?:testing|runtime)|\/rustc\/|^webpack:|[\\/]vendor[\\/]|^<|\/gems\//
const FOREIGN_CLASS = /\b(?:org\.(?:junit|opentest4j|testng|gradle|apache\.maven|hamcrest|assertj)|java\.|javax\.|jdk\.|sun\.|kotlin\.)/

const at = (text: string): RegExp => new RegExp(text.replaceAll('FILE', FILE))

/** Places that stand behind a message, in the languages' own forms. */
const AFTER: readonly RegExp[] = [
  // JavaScript: at f (src/a.ts:1:2), ❯ src/a.ts:1:2
  at(String.raw`^\s*(?:at\s(?:.*?\()?|❯\s)(?:async )?(?:file://)?(?<file>FILE):(?<line>\d+):\d+\)?`),
  // Java, Kotlin
  /^\s+at\s[\w.$<>/]+\((?<file>\w+\.(?:java|kt|scala|groovy)):(?<line>\d+)\)/,
  // C#
  /\sin (?<file>\S.*?):line (?<line>\d+)/,
  // Rust, and diagnostics with an arrow
  /^\s*-->\s+(?<file>\S+?):(?<line>\d+):\d+/,
  // Ruby: # ./spec/a_spec.rb:8:in
  /^\s*# (?<file>\.?\S+\.rb):(?<line>\d+):in /,
  // pytest: tests/test_a.py:14: AssertionError
  at(String.raw`^(?<file>FILE):(?<line>\d+): \w`),
  // Go
  /^\s+(?<file>\S+\.go):(?<line>\d+)(?: \+0x[\da-f]+)?$/,
  // Sanitizers
  /^\s+#\d+ 0x[\da-f]+ in \S+ (?<file>\S+?):(?<line>\d+)/,
  // esbuild, ava, tap, elixir, phpunit: a line of its own
  at(String.raw`^\s*(?:file: |File: )?(?<file>FILE):(?<line>\d+)(?::\d+)?:?(?: \(test\))?$`),
  // node:test's TAP
  at(String.raw`^\s*location: '(?<file>FILE):(?<line>\d+):\d+'`),
  // Dart, Julia
  /^\s+(?<file>\S+\.dart) (?<line>\d+):\d+\s/,
  /^\s+@ (?:\S+ )?(?<file>\S+):(?<line>\d+)$/,
  // Terraform
  /^\s*on (?<file>\S+) line (?<line>\d+)\b/,
  // bats
  /\(in test file (?<file>\S+), line (?<line>\d+)\)/
]

/** Places that stand before a message. */
const BEFORE: readonly RegExp[] = [
  /^\s*File "(?<file>[^"]+)", line (?<line>\d+)/,
  at(String.raw`^\s*(?:file://)?(?<file>FILE):(?<line>\d+)(?::\d+)?(?:: in \S+|\s.*━.*)?$`),
  at(String.raw`^\s*FAIL\s+(?<file>FILE)\s`),
  /^\s*Error Trace:\s+(?<file>\S+):(?<line>\d+)/,
  /^(?:Build|Settings|Script) file '(?<file>[^']+)' line: (?<line>\d+)/
]

/** The place that belongs to the message on a line: the nearest behind it, else the nearest before it. */
export function placeNear (lines: readonly string[], index: number): ErrorPlace | undefined {
  const after = nearest(lines, AFTER, index + 1, Math.min(lines.length, index + 1 + LINES_AFTER), 1)
  return after ?? placeBefore(lines, index)
}

/** The nearest place before a line. */
export function placeBefore (lines: readonly string[], index: number): ErrorPlace | undefined {
  return nearest(lines, BEFORE, index - 1, Math.max(-1, index - 1 - LINES_BEFORE), -1)
}

/** Another failure begins: its places are its own. */
const NEXT = /^\s*(?:● |✕ |✖ |✗ |✘ |not ok |FAIL |FAILED |--- FAIL|\d+\) \S|error(?:\[|:)|Traceback )/

function nearest (
  lines: readonly string[], patterns: readonly RegExp[], from: number, to: number, step: 1 | -1
): ErrorPlace | undefined {
  for (let index = from; index !== to; index += step) {
    const text = lines[index] as string
    if (step === 1 && index > from + 2 && NEXT.test(text)) return undefined
    if (text.length > 500 || FOREIGN_CLASS.test(text)) continue
    for (const pattern of patterns) {
      const groups = pattern.exec(text)?.groups
      if (groups?.file !== undefined && !FOREIGN.test(groups.file)) return placeOf(groups.file, groups.line)
    }
  }
  return undefined
}

/** @param line in digits */
export function placeOf (file: string, line: string | undefined): ErrorPlace {
  return { file, ...(line !== undefined && { line: Number(line) }) }
}
