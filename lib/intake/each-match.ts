/**
 * Calls back for each match of an expression with the flag `g`, in order. `matchAll()` makes a copy of the expression
 * each time, which costs more than most of these texts do.
 */
export function eachMatch (pattern: RegExp, text: string, onMatch: (match: RegExpExecArray) => void): void {
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    onMatch(match)
    if (match[0] === '') pattern.lastIndex++
  }
}
