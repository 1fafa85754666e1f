/*
 * SQLite stores what it is given, whatever the column's type says: a text where a number belongs, 1e999, a BLOB. These
 * read such values; what cannot be meant is null.
 */

/** Longest duration that is believed, in milliseconds: a hundred years. */
export const MAX_DURATION_MS = 100 * 366 * 86_400_000

/** A text; a BLOB is one in UTF-8, a number its digits. */
export function textOf (value: unknown): string | null {
  if (value === null || value === undefined) return null
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value).toString()
  try {
    return String(value)
  } catch {
    return null
  }
}

/** A whole number within bounds, by default those of what JavaScript counts exactly; anything else is null. */
export function integerOf (
  value: unknown, min: number = Number.MIN_SAFE_INTEGER, max: number = Number.MAX_SAFE_INTEGER
): number | null {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) return null
  const whole = Math.trunc(number)
  return whole >= min && whole <= max ? whole : null
}

/** A duration in milliseconds, from 0 to {@link MAX_DURATION_MS}. */
export function durationOf (value: unknown): number | null {
  return integerOf(value, 0, MAX_DURATION_MS)
}

/** An exit code: 32 bits, signed as POSIX shells have it or unsigned as Windows does. */
export function exitCodeOf (value: unknown): number | null {
  return integerOf(value, -(2 ** 31), 2 ** 32 - 1)
}
