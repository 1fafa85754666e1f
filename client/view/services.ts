import type { TimelineSession } from '../session.js'
import type { Ticker } from './ticker.js'

/** What the parts of the view share. */
export interface Services {
  readonly session: TimelineSession
  readonly ticker: Ticker
}
