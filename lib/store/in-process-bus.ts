import type { WakeBus } from './port.js'

/** A bus within one process: a ring is a call. For databases that no other process can see. */
export function createInProcessBus (): WakeBus {
  const listeners = new Set<(taskIds: readonly string[] | '*') => void>()
  return {
    ring (taskIds) {
      for (const listener of listeners) listener(taskIds)
    },
    subscribe (onWake) {
      listeners.add(onWake)
      return () => { listeners.delete(onWake) }
    },
    close () {
      listeners.clear()
    }
  }
}
