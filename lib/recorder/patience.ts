import { timelineError } from '../errors.js'
import { clearTimeout, setTimeout } from '../time/timers.js'

/** How long an agent may be kept waiting for the database, at its start and at its end, in milliseconds. */
const MAX_WAIT_MS = 2_000

/**
 * Waits for a commit, but not longer than an agent may be kept waiting; what was not committed by then stays queued.
 *
 * @param mustKnow whether giving up is an error: the caller takes the resolution for an acknowledgement
 */
export async function withinPatience (committed: Promise<void>, mustKnow = false): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<void>((resolve, reject) => {
    timer = setTimeout(() => {
      if (mustKnow) reject(timelineError('AGENT_TIMELINE_DATABASE_UNAVAILABLE'))
      else resolve()
    }, MAX_WAIT_MS)
  })
  committed.catch(() => {})
  try {
    await Promise.race([committed, patience])
  } finally {
    clearTimeout(timer)
  }
}
