/** Lines that an edit added to a file, and that it took away. */
export interface EditedLines {
  readonly added: number
  readonly removed: number
}

/** Of a hunk of a patch, whose lines begin with `+`, `-` or a space. */
export function countHunk (lines: readonly string[]): EditedLines {
  return {
    added: lines.filter((line) => line.startsWith('+')).length,
    removed: lines.filter((line) => line.startsWith('-')).length
  }
}

/** Of a patch of one file, as `diff -u` and `git diff` print it; undefined where there is no hunk in it. */
export function countPatch (patch: string): EditedLines | undefined {
  const [, ...hunks] = `\n${patch}`.split(/\n(?=@@ )/)
  if (hunks.length === 0) return undefined
  return countHunk(hunks.flatMap((hunk) => hunk.split('\n').slice(1)))
}

/** Lines of a text; what follows the last line break is one only where it is not empty. */
export function countLines (text: string): number {
  return linesOf(text).length
}

/** Cells of a table of two texts' lines; beyond it only what they begin and end with alike is compared. */
const MAX_CELLS = 250_000

/** What changed between two texts, line by line; a file that is new was nothing before. */
export function countChange (before: string, after: string): EditedLines {
  const [old, now] = [linesOf(before), linesOf(after)]
  let [from, to, end] = [0, now.length, old.length]
  while (from < end && from < to && old[from] === now[from]) from++
  while (end > from && to > from && old[end - 1] === now[to - 1]) [end, to] = [end - 1, to - 1]
  const [gone, come] = [old.slice(from, end), now.slice(from, to)]
  const common = gone.length * come.length > MAX_CELLS ? 0 : countCommon(gone, come)
  return { added: come.length - common, removed: gone.length - common }
}

/** The length of the longest common subsequence. */
function countCommon (one: readonly string[], other: readonly string[]): number {
  let row = new Uint32Array(other.length + 1)
  for (const line of one) {
    const next = new Uint32Array(other.length + 1)
    for (let at = 0; at < other.length; at++) {
      next[at + 1] = line === other[at] ? (row[at] as number) + 1 : Math.max(row[at + 1] as number, next[at] as number)
    }
    row = next
  }
  return row[other.length] as number
}

function linesOf (text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n')
}
