import type { StoredMemory } from '../../lib/live/run-memory.js'
import { createUsual } from '../../lib/insight/usual.js'

/** Of a project without a history. */
export function noMemory (): StoredMemory {
  return {
    usual: createUsual(),
    keysOf: () => undefined,
    loopOf: () => undefined,
    load: async () => {},
    wasFalse () {},
    keep () {}
  }
}
