/** What stands where a secret was. */
export const REDACTED = '[redacted]'

/** A part of a text that is hidden. */
export type Span = readonly [from: number, to: number]

/** Spans in order, those that touch as one. */
export function mergeSpans (spans: Span[]): Span[] {
  spans.sort((a, b) => a[0] - b[0])
  const merged: Span[] = []
  for (const span of spans) {
    const last = merged.at(-1)
    if (last !== undefined && span[0] <= last[1]) merged[merged.length - 1] = [last[0], Math.max(last[1], span[1])]
    else merged.push(span)
  }
  return merged
}

/** Replaces the spans of a longer text that reach into this part of it, which begins at `offset`. */
export function replaceSpans (text: string, spans: readonly Span[], offset = 0): string {
  let result = ''
  let done = 0
  for (const [from, to] of spans) {
    const start = Math.max(from - offset, 0)
    const end = Math.min(to - offset, text.length)
    if (end <= start) continue
    result += text.slice(done, start) + (from >= offset || start === 0 ? REDACTED : '')
    done = end
  }
  return result + text.slice(done)
}
