/** Longest string inside metadata that is too large, in characters. */
const EXCERPT_CHARS = 1_024

/** Keys that survive when even excerpts are too large: what pairs, times and explains an activity. */
const ESSENTIAL_KEYS = [
  'callId', 'phase', 'tool', 'status', 'durationMs', 'exitCode', 'parentCallId', 'kind', 'what', 'until'
]

/**
 * Metadata as JSON within a number of bytes; `truncated: true` marks what had to be cut.
 *
 * @returns null for none; never throws, whatever the host put there
 */
export function encodeMetadata (metadata: unknown, maxBytes: number): string | null {
  if (metadata === undefined || metadata === null) return null
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return encodeMetadata({ value: metadata }, maxBytes)
  const whole = stringify(metadata)
  if (whole === undefined) return '{"truncated":true}'
  // A Date, or something with a toJSON of its own.
  if (!whole.startsWith('{')) return encodeMetadata({ value: JSON.parse(whole) }, maxBytes)
  if (fits(whole, maxBytes)) return whole === '{}' ? null : whole
  const shortened = stringify({ ...shorten(JSON.parse(whole)), truncated: true })
  if (shortened !== undefined && fits(shortened, maxBytes)) return shortened
  const essential = Object.entries(JSON.parse(whole)).filter(([key]) => ESSENTIAL_KEYS.includes(key))
  const least = stringify({ ...shorten(Object.fromEntries(essential)), truncated: true })
  return least !== undefined && fits(least, maxBytes) ? least : '{"truncated":true}'
}

/** Adds a member to metadata that is JSON already. */
export function addToJson (json: string | null, name: string, value: unknown): string {
  const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
  return json === null || json === '{}' ? `{${member}}` : `${json.slice(0, -1)},${member}}`
}

function fits (json: string, maxBytes: number): boolean {
  return json.length * 3 <= maxBytes || Buffer.byteLength(json) <= maxBytes
}

function stringify (value: unknown): string | undefined {
  try {
    return storable(JSON.stringify(value))
  } catch {
    return stringifyBigInts(value)
  }
}

/** Slower by far, and needed by nobody who knows JSON. */
function stringifyBigInts (value: unknown): string | undefined {
  try {
    return storable(JSON.stringify(value, (_, inner) => typeof inner === 'bigint' ? String(inner) : inner))
  } catch {
    return undefined
  }
}

/** JSON text escapes NUL and lone surrogates, which Postgres refuses in any form. */
function storable (json: string): string {
  if (!json.includes('\\u')) return json
  // Pairs of backslashes are taken whole: the text \\u0000 itself is no escape.
  return json.replace(/(\\\\)|\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, (_, pair?: string) => pair ?? '\\ufffd')
}

function shorten (value: Record<string, unknown>): Record<string, unknown> {
  const inner = (item: unknown): unknown => {
    if (typeof item === 'string') return item.length > EXCERPT_CHARS ? item.slice(0, EXCERPT_CHARS) + '…' : item
    if (Array.isArray(item)) return item.slice(0, 20).map(inner)
    return typeof item === 'object' && item !== null ? shorten(item as Record<string, unknown>) : item
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]))
}
