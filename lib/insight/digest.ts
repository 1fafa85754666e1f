import { createHash } from 'node:crypto'

/** A short name for a text: the same for the same text, told apart from others well enough to count repetitions. */
export function digest (text: string): string {
  return createHash('sha1').update(text).digest('base64').slice(0, 16)
}
