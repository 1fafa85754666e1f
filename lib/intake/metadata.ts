/** Longest string inside metadata that is too large, in characters; the second where the first is still too much. */
const EXCERPT_CHARS = [4_096, 512]

/** Keys that survive when even excerpts are too large: what pairs, times and explains an activity. */
const ESSENTIAL_KEYS = [
  'callId', 'phase', 'use', 'tool', 'toolKind', 'status', 'durationMs', 'exitCode', 'parentCallId', 'kind', 'waitKind', 'what', 'until'
]

/** A list keeps this many items where metadata is too large. */
const EXCERPT_ITEMS = 20

const NOTHING_KEPT = '{"truncated":true}'

/** Caps in bytes of JSON. */
export interface MetadataCaps {
  readonly metadataBytes: number
  /** Of a tool's input, which counts apart. */
  readonly inputBytes: number
  /** Of a tool's result, which counts apart. */
  readonly resultBytes: number
}

/** The beginning of a text, at most so many characters, with its secrets hidden. */
export type Head = (text: string, maxChars: number) => string

/** Metadata as it can be stored. */
export interface EncodedMetadata {
  /** JSON within its caps, `truncated: true` where something was cut; null for none. */
  readonly json: string | null
  /** A tool's result that is longer than its cap, whole: what is kept of it is chosen after its secrets are hidden. */
  readonly result?: string
}

/**
 * Metadata as JSON within a number of bytes. What it costs depends on that number, not on how much is given; only an
 * object's keys are listed by the engine whole, once: no way is known to see that there are a million without that.
 *
 * @param head cuts a text after its secrets are hidden
 * @returns never throws, whatever the host put there
 */
export function encodeMetadata (metadata: unknown, caps: MetadataCaps, head: Head): EncodedMetadata {
  if (metadata === undefined || metadata === null) return { json: null }
  const huge: Huge = new Set()
  try {
    const isObject = typeof metadata === 'object' && !Array.isArray(metadata)
    if (isObject && weigh(metadata, caps.metadataBytes, 0, huge) >= 0) {
      const json = stringify(metadata)
      // Not so of JSON.rawJSON().
      if (json.startsWith('{') && fits(json, caps.metadataBytes)) return { json: json === '{}' ? null : json }
    }
    const members = membersOf(resolve(metadata, '', caps.metadataBytes), huge)
    const { input, result } = members
    if (input === undefined && result === undefined) return { json: encode(members, caps.metadataBytes, head, huge) }
    members.input = members.result = undefined
    let json = encode(members, caps.metadataBytes, head, huge)
    if (input !== undefined) json = addPart(json, 'input', encode({ input }, caps.inputBytes, head, huge))
    if (typeof result !== 'string') {
      return { json: result === undefined ? json : addPart(json, 'result', encode({ result }, caps.resultBytes, head, huge)) }
    }
    if (!fits(result, caps.resultBytes)) return { json: addTruncated(json), result }
    return { json: addToJson(json, 'result', result) }
  } catch {
    // It contains itself, is nested too deeply, or its getters throw.
    return { json: NOTHING_KEPT }
  }
}

/** Any value as a text of JSON, at most so many bytes of it. @throws what getters throw */
export function describeValue (value: unknown, maxBytes: number, head: Head): string {
  const members = { value: resolve(value, '', maxBytes) }
  const json = encode(members, maxBytes, head, new Set())
  // What was cut has a second member, which says so.
  return json === null ? '' : JSON.stringify((JSON.parse(json) as { readonly value?: unknown }).value) ?? ''
}

/** Objects that were seen to have more members than could be kept: their keys are not listed again. */
type Huge = Set<object>

/** The members of a value; of more than could be kept only what explains an activity. */
function membersOf (value: unknown, huge: Huge): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { value }
  const names = huge.has(value) ? undefined : Object.keys(value)
  if (names === undefined || names.length > MAX_MEMBERS) return { ...essentialsOf(value), truncated: true }
  const members: Record<string, unknown> = Object.create(null)
  for (const name of names) members[name] = (value as Record<string, unknown>)[name]
  return members
}

/** No metadata that fits has more. */
const MAX_MEMBERS = 4_096

function encode (members: object, maxBytes: number, head: Head, huge: Huge): string | null {
  const whole = copyWithin(members, maxBytes, huge)
  const json = whole === undefined ? undefined : stringify(whole)
  if (json !== undefined && fits(json, maxBytes)) return json === '{}' ? null : json
  for (const part of [members, essentialsOf(members)]) {
    for (const chars of EXCERPT_CHARS) {
      const shortened = copyWithin(part, maxBytes, huge, (text) => text.length <= chars ? text : `${head(text, chars)}…`)
      const short = shortened === undefined ? undefined : stringify({ ...shortened, truncated: true })
      if (short !== undefined && fits(short, maxBytes)) return short
    }
  }
  return NOTHING_KEPT
}

/** Adds a part that was encoded apart; where that was cut, all is marked. */
function addPart (json: string | null, name: string, part: string | null): string {
  if (part === null) return json ?? '{}'
  const members = JSON.parse(part) as Record<string, unknown>
  const marked = members.truncated === true ? addTruncated(json) : json
  return addToJson(marked, name, members[name] ?? null)
}

function addTruncated (json: string | null): string {
  return json?.includes('"truncated":true') === true ? json : addToJson(json, 'truncated', true)
}

/** Nothing that adapters report is nested more deeply. */
const MAX_PLAIN_DEPTH = 16

/**
 * What is left of a number of bytes after a value that JSON takes as it is: nearly all metadata, which needs no copy.
 *
 * @returns less than 0 for what is too large, or nothing so plain
 */
function weigh (value: unknown, bytes: number, depth: number, huge: Huge): number {
  switch (typeof value) {
    case 'string': return bytes - value.length - 2
    case 'number': case 'boolean': case 'undefined': return bytes - 1
    case 'object': break
    default: return -1
  }
  if (value === null) return bytes - 1
  if (depth > MAX_PLAIN_DEPTH || typeof (value as { toJSON?: unknown }).toJSON === 'function') return -1
  let left = bytes - 2
  if (Array.isArray(value)) {
    for (const item of value) {
      if (left < 0) break
      left = weigh(item, left - 1, depth + 1, huge)
    }
    return left
  }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) return -1
  const keys = Object.keys(value)
  if (keys.length > MAX_MEMBERS) huge.add(value)
  for (let index = 0; index < keys.length && left >= 0; index++) {
    const key = keys[index] as string
    left = weigh((value as Record<string, unknown>)[key], left - key.length - 3, depth + 1, huge)
  }
  return left
}

/** Adds a member to metadata that is JSON already. */
export function addToJson (json: string | null, name: string, value: unknown): string {
  const member = `${JSON.stringify(name)}:${JSON.stringify(value)}`
  return json === null || json === '{}' ? `{${member}}` : `${json.slice(0, -1)},${member}}`
}

function fits (json: string, maxBytes: number): boolean {
  return json.length * 3 <= maxBytes || Buffer.byteLength(json) <= maxBytes
}

function stringify (value: object): string {
  return storable(JSON.stringify(value))
}

/** JSON text escapes NUL and lone surrogates, which Postgres refuses in any form. */
function storable (json: string): string {
  if (!json.includes('\\u')) return json
  // Pairs of backslashes are taken whole: the text \\u0000 itself is no escape.
  return json.replace(/(\\\\)|\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, (_, pair?: string) => pair ?? '\\ufffd')
}

function essentialsOf (value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return {}
  const known = ESSENTIAL_KEYS.filter((key) => Object.hasOwn(value, key))
  return Object.fromEntries(known.map((key) => [key, (value as Record<string, unknown>)[key]]))
}

interface Walk {
  readonly huge: Huge
  /** How many more bytes of JSON there may be. */
  left: number
  /** The objects that this one is in. */
  readonly above: object[]
  readonly excerpt: ((text: string) => string) | undefined
}

/** What JSON makes of a value, as an object; undefined, and given up soon, when it takes more than so many bytes. */
function copyWithin (
  value: unknown, maxBytes: number, huge: Huge, excerpt?: (text: string) => string
): object | undefined {
  const walk: Walk = { left: maxBytes, above: [], excerpt, huge }
  const copied = copy(value, '', walk)
  if (walk.left < 0) return undefined
  return typeof copied === 'object' && copied !== null && !Array.isArray(copied) ? copied : { value: copied }
}

function copy (given: unknown, key: string, walk: Walk): unknown {
  const value = resolve(given, key, walk.left)
  if (typeof value === 'string') {
    const text = walk.excerpt === undefined ? value : walk.excerpt(value)
    walk.left -= text.length + 2
    return text
  }
  if (typeof value !== 'object' || value === null) {
    walk.left--
    return value
  }
  if (walk.above.includes(value)) throw new TypeError('metadata contains itself')
  walk.above.push(value)
  walk.left -= 2
  const copied = Array.isArray(value) ? copyItems(value, walk) : copyMembers(value as Record<string, unknown>, walk)
  walk.above.pop()
  return copied
}

function copyItems (list: readonly unknown[], walk: Walk): unknown[] {
  const length = walk.excerpt === undefined ? list.length : Math.min(list.length, EXCERPT_ITEMS)
  const copied: unknown[] = []
  for (let index = 0; index < length && walk.left >= 0; index++) copied.push(copy(list[index], String(index), walk))
  return copied
}

function copyMembers (object: Record<string, unknown>, walk: Walk): object {
  const copied: Record<string, unknown> = {}
  if (walk.huge.has(object)) return giveUp(walk)
  const keys = Object.keys(object)
  if (keys.length > MAX_MEMBERS) {
    walk.huge.add(object)
    return giveUp(walk)
  }
  for (const key of keys) {
    if (walk.left < 0) break
    const value = copy(object[key], key, walk)
    if (value === undefined) continue
    walk.left -= key.length + 3
    if (key === '__proto__') Object.defineProperty(copied, key, { value, enumerable: true })
    else copied[key] = value
  }
  return copied
}

function giveUp (walk: Walk): object {
  walk.left = -1
  return {}
}

/** What stands for a value in JSON: what its toJSON says, undefined for what is left out. */
function resolve (given: unknown, key: string, maxItems: number): unknown {
  if (typeof given === 'string' || typeof given === 'number') return given
  let value = given
  if (typeof value === 'object' && value !== null) {
    // Bytes become a list of numbers, most of which could not be kept.
    if (value instanceof Uint8Array) value = value.subarray(0, maxItems + 1)
    const { toJSON } = value as { toJSON?: unknown }
    if (typeof toJSON === 'function') value = toJSON.call(value, key)
    else if (value instanceof String || value instanceof Number || value instanceof Boolean) value = value.valueOf()
  }
  if (typeof value === 'bigint') return String(value)
  return typeof value === 'function' || typeof value === 'symbol' ? undefined : value
}
