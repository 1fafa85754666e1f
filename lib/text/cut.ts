/** The beginning of a text, at most so many characters; never half a character, which Postgres refuses. */
export function cutText (text: string, maxChars: number): string {
  return text.length <= maxChars ? text : text.slice(0, maxChars).replace(/[\ud800-\udbff]$/, '')
}

/** The same with a mark at the end where something was left out; the mark counts. */
export function shortenText (text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${cutText(text, maxChars - 1)}…`
}

/** A text cut to so many characters; undefined for an empty one, or anything else. */
export function shortText (value: unknown, maxChars: number): string | undefined {
  return typeof value === 'string' && value !== '' ? cutText(value, maxChars) : undefined
}
