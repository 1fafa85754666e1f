/** A JSON object whose members nobody has checked yet. */
export type JsonObject = Readonly<Record<string, unknown>>

/** The value if it is an object; an empty one otherwise, so that `object(x).y` never throws. */
export function object (value: unknown): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as JsonObject : {}
}

/** The objects of a list; empty for anything else. */
export function objects (value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.map(object) : []
}

/** The value if it is a string that is not empty. */
export function string (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/

/** The value if it is a finite number, or a text that is one. */
export function number (value: unknown): number | undefined {
  const known = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value
  return typeof known === 'number' && Number.isFinite(known) ? known : undefined
}

/** The value as an id: some programs count. Empty where there is none. */
export function identifier (value: unknown): string {
  return typeof value === 'number' ? String(value) : string(value) ?? ''
}

/** Leaves out the members that are undefined; the object itself where there are none. */
export function compact<T extends object> (value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // Called for each activity: lists of entries took a tenth of a parser's time.
  const known: Partial<T> = {}
  let isWhole = true
  for (const name of Object.keys(value) as Array<keyof T>) {
    if (value[name] === undefined) isWhole = false
    else known[name] = value[name]
  }
  return (isWhole ? value : known) as never
}

/** Content blocks; a plain string is one of text. */
export function contentBlocks (content: unknown): JsonObject[] {
  return typeof content === 'string' ? [{ type: 'text', text: content }] : objects(content)
}

/** The text of content blocks (`[{ type: 'text', text }]`), or of a plain string; other blocks by their type. */
export function contentText (content: unknown): string {
  if (typeof content === 'string') return content
  return objects(content).map(({ type, text }) => {
    return string(text) ?? (type === 'text' ? '' : `[${string(type) ?? 'content'}]`)
  }).join('\n')
}
