/** A form that secrets have. */
export interface Rule {
  /** Says quickly that a text has none of the form. */
  readonly hint?: RegExp
  /** With the flags `d` and `g`; `y` for `g` where its group has `starts`; neither where it is about the end. */
  readonly pattern: RegExp
  /** Index of the group that is the secret; 0 for all of it. */
  readonly group: number
  /** What stands before the secret has other uses, too: the secret must look the part. */
  readonly isGuess?: boolean
  /** Has the last word about what the pattern found. */
  readonly accepts?: (value: string, match: RegExpExecArray) => boolean
}

/** Rules whose secrets something has in common, by which most texts are seen to have none of them. */
export interface RuleGroup {
  /** No text without one of these has such a secret, in capitals or not; all groups' are looked for in one pass. */
  readonly words?: readonly string[]
  /** Nor one without this. */
  readonly hint?: RegExp
  /** Where matches of those begin whose patterns have the flag `y`. */
  readonly starts?: RegExp
  readonly rules: readonly Rule[]
}

/** A quote, also where JSON stands in a text of JSON. */
export const QUOTE = '\\\\{0,15}["\'`]'

/** The words of the line before a match. */
export const lineBefore = (match: RegExpExecArray) =>
  match.input.slice(Math.max(0, match.index - 400), match.index).split('\n').at(-1) as string
