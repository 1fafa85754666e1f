/** What a host's code gives, undefined where it throws: its getters may. */
export function tryTo<T> (work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}
