import { createRandom } from './random.mjs'

/** What the runners set as `caps.messageBytes`: low, so that the cap is met often and costs little. */
export const MESSAGE_BYTES = 4_096
/** Messages of runs that flood a viewer: as long as the cap lets them be. */
export const FLOOD_PREFIX = 'flood'

const WORDS = [
  'plain words', 'Grüße aus Köln', '日本語のテキスト', '👩‍👩‍👧‍👦 family', 'עברית \u202Ertl\u202C', 'a\u0000b', '\r\n', '\n\n', '\u2028',
  'data: {"seq":1}\n\nid: 5.x', 'event: ping', '\u001b[31mred\u001b[0m', '\ufeff', 'e\u0301', '\\u0000', '"quoted"', '<b>&amp;'
]

/**
 * The activity number `index` of the run `key`, always the same: so that what arrived can be compared byte for byte
 * with what was meant, by somebody who was not there.
 *
 * Pieces of output are mostly small, so that they share rows; some begin or end in the middle of a character.
 */
export function activityOf (key, index) {
  const random = createRandom(key, index)
  const mark = `[${key}#${index}]`
  if (key.startsWith(FLOOD_PREFIX)) return { type: 'progress', message: mark + 'flood '.repeat(MESSAGE_BYTES / 6 - 8) }
  // Every seventh begins a call, whose end comes two activities later.
  if (index % 7 === 3) return tool(key, index, 'start', mark, random)
  if (index % 7 === 5) return tool(key, index - 2, 'end', mark, random)
  const kind = random.next()
  if (kind < 0.6) {
    const head = random.chance(0.1) ? '\ude00' : ''
    const tail = random.chance(0.1) ? '\ud83d' : ''
    return { type: 'output', message: head + mark + random.pick(WORDS) + tail }
  }
  if (kind < 0.75) return { type: 'output', message: mark + textOf(random, random.integer(128, 1_500)) }
  if (kind < 0.77) return { type: 'output', message: mark + textOf(random, random.integer(MESSAGE_BYTES, 3 * MESSAGE_BYTES)) }
  if (kind < 0.85) return { type: 'error', message: mark + textOf(random, random.integer(0, 300)) }
  return { type: 'progress', message: mark + random.pick(WORDS), metadata: { kind: 'plan', step: index, what: random.pick(WORDS) } }
}

function tool (key, start, phase, mark, random) {
  const metadata = { callId: `${key}:${start}`, phase, tool: 'Bash' }
  if (phase === 'end') Object.assign(metadata, { status: 'ok', durationMs: random.integer(0, 1e6), result: random.pick(WORDS) })
  return { type: 'tool_exec', message: `exec: ${mark} ${random.pick(WORDS)}`, metadata }
}

function textOf (random, length) {
  let text = ''
  while (text.length < length) text += random.pick(WORDS) + ' '
  return text
}

/** A text as the log keeps it: NUL and half characters replaced, cut to its cap at a whole character. */
export function storedText (text) {
  const whole = text.toWellFormed().replaceAll('\0', '\ufffd')
  const bytes = Buffer.from(whole)
  if (bytes.length <= MESSAGE_BYTES) return { text: whole, isCut: false }
  // Everything up to the last character that fits: what is cut in two decodes to U+FFFD at the end.
  let end = MESSAGE_BYTES
  while ((bytes[end] & 0xC0) === 0x80) end--
  return { text: bytes.toString('utf8', 0, end), isCut: true }
}

/** Same for metadata, whose texts are JSON. */
export function storedMetadata (metadata) {
  if (metadata === undefined) return {}
  return JSON.parse(JSON.stringify(metadata, (_, value) => {
    return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\ufffd') : value
  }))
}

/** Whether a piece may share a row with others. */
export function isPiece ({ type, metadata }) {
  return type === 'output' && metadata === undefined
}
