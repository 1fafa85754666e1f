import { createHash } from 'node:crypto'

/** A fingerprint of an event, whatever the order of its members. */
export function digestOf (event) {
  return createHash('md5').update(JSON.stringify(event, sortKeys)).digest('base64url').slice(0, 16)
}

function sortKeys (_, value) {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
}
