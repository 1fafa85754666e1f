/** Which of the lists have a word in a text: a bit for each, the first list's the lowest. */
export type WordScan = (text: string) => number

/**
 * Looks for all words of up to 31 lists in one pass, capitals or not: an expression for each would cost a pass each.
 *
 * @see https://doi.org/10.1145/360825.360855 Aho and Corasick, Efficient string matching
 */
export function createWordScan (lists: ReadonlyArray<readonly string[]>): WordScan {
  /** What a character counts as: its letter, or 0 for those that no word has. */
  const columns = new Uint8Array(128)
  let width = 1
  for (const character of new Set(lists.flat().join('').toLowerCase())) {
    columns[character.charCodeAt(0)] = columns[character.toUpperCase().charCodeAt(0)] = width++
  }
  const rows: number[][] = [new Array(width).fill(0)]
  const bits = [0]

  for (const [index, words] of lists.entries()) {
    for (const word of words) {
      let row = 0
      for (const character of word) {
        const column = columns[character.charCodeAt(0)] as number
        const next = rows[row] as number[]
        if (next[column] === 0) {
          next[column] = rows.push(new Array(width).fill(0)) - 1
          bits.push(0)
        }
        row = next[column] as number
      }
      bits[row] = (bits[row] as number) | 1 << index
    }
  }
  completeRows(rows, bits)

  const table = Uint16Array.from(rows.flat())
  const found = Int32Array.from(bits)
  return (text) => {
    let row = 0
    let all = 0
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at)
      row = table[row * width + (code < 128 ? columns[code] as number : 0)] as number
      all |= found[row] as number
    }
    return all
  }
}

/** Where a word does not go on, another may that begins later: goes on as the longest of those, from short to long. */
function completeRows (rows: number[][], bits: number[]): void {
  const shorter = rows.map(() => 0)
  const queue = (rows[0] as number[]).filter((row) => row !== 0)
  for (const row of queue) {
    const other = shorter[row] as number
    bits[row] = (bits[row] as number) | (bits[other] as number)
    const next = rows[row] as number[]
    for (const [column, child] of next.entries()) {
      const through = (rows[other] as number[])[column] as number
      if (child === 0) {
        next[column] = through
      } else {
        shorter[child] = through
        queue.push(child)
      }
    }
  }
}
