/** An object as it is stored, as JSON; undefined for none, and for what somebody else left there instead. */
export function parseObject (json: string | null): Record<string, unknown> | undefined {
  if (json === null) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : undefined
  } catch {
    return undefined
  }
}
