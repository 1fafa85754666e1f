import type { Usage } from '../model/activity.js'

/** What an adapter makes of a run that ended by itself. */
export interface Verdict {
  readonly success: boolean
  readonly response: string
  readonly error?: string
  readonly reason?: string
  readonly sessionId?: string
  readonly usage?: Usage
  readonly model?: string
}
