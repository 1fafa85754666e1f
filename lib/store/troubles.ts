import type { Logger } from '../logger.js'
import type { Meter } from '../meter.js'
import { codedError, kindOf } from './store-error.js'

/** Tells what is wrong with a database once, whoever notices it, and again only after it was well in between. */
export interface Troubles {
  /** @param isLasting tell of a lock, too: it has lasted longer than locks do */
  tell (error: unknown, isLasting?: boolean): void
  over (): void
}

export function createTroubles (logger: Logger, meter: Meter): Troubles {
  const told = new Set<string>()

  return {
    tell (error, isLasting = false) {
      if (kindOf(error) === 'busy' && !isLasting) return
      const { code } = codedError(error)
      if (code === 'AGENT_TIMELINE_CLOSED') return
      meter.troubled(code)
      if (told.has(code)) return
      told.add(code)
      logger.warn({ code, err: error },
        'the timeline cannot be written at the moment; agents go on, writing is tried again')
    },
    over () { told.clear() }
  }
}
