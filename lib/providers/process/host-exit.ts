/**
 * A host that calls `process.exit()` must not leave agents behind. Each run listens by itself, hence one more listener
 * is allowed for as long as it does.
 *
 * @returns stops listening
 */
export function onHostExit (action: () => void): () => void {
  allowListeners(1)
  process.once('exit', action)
  return () => {
    process.off('exit', action)
    allowListeners(-1)
  }
}

function allowListeners (change: number): void {
  const limit = process.getMaxListeners()
  if (limit > 0) process.setMaxListeners(limit + change) // 0: the host allows any number
}
