import { encodeMetadata } from '../intake/metadata.js'
import type { Redactor } from '../intake/redact.js'
import { ACTIVITY_TYPES, type InvocationActivity } from '../model/activity.js'
import type { Caps } from '../options.js'
import { tryTo } from '../text/try-to.js'

/** The part of an activity that says what happened. */
export type KnownActivity = Pick<InvocationActivity, 'type' | 'message' | 'metadata'>

const TYPES: ReadonlySet<string> = new Set(ACTIVITY_TYPES)

/**
 * An activity of a type that exists, with a message that is a text. Types of other vocabularies are kept as progress,
 * under their own name.
 *
 * @param onUnknownType told of such a type, without its name: an agent's text may hold what must not be in a log
 */
export function toKnownActivity (
  given: InvocationActivity, caps: Caps, redactor: Redactor, onUnknownType: () => void
): KnownActivity {
  const isKnownType = TYPES.has(given.type)
  if (isKnownType && typeof given.message === 'string') return given
  const read = tryTo(() => String(given.message ?? ''))
  const message = read ?? ''
  if (isKnownType && read !== undefined) return { ...given, message }
  const known = JSON.parse(encodeMetadata(given.metadata, caps, redactor.head).json ?? '{}')
  const metadata = read === undefined ? { ...known, truncated: true } : known
  if (isKnownType) return { type: given.type, message, metadata }
  onUnknownType()
  const rawType = redactor.head(tryTo(() => String(given.type)) ?? '', 64)
  return { type: 'progress', message, metadata: { kind: 'unknown', rawType, ...metadata } }
}

/** Metadata without the mark of a piece of text, which has done its work in the queue. */
export function withoutDelta ({ delta, ...rest }: Record<string, unknown> = {}): Record<string, unknown> | undefined {
  return Object.keys(rest).length === 0 ? undefined : rest
}
