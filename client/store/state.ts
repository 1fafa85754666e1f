import type { Usage } from '../../lib/model/activity.js'
import type { Health, InvocationStatus, TaskInfo } from '../../lib/model/events.js'
import type { Row } from './rows.js'

/** Rows kept in the page: about 10 MB. Older ones are paged. */
export const MAX_ROWS = 50_000

/** How much of a row is shown: its one line, the beginning of its text, or all of it. */
export type Expansion = 'closed' | 'open' | 'full'

/** What is known of one invocation, from its events so far. */
export interface Invocation {
  readonly id: number
  readonly status: InvocationStatus
  /** Unknown while the event that started it is not loaded. */
  readonly role?: string
  readonly provider?: string
  readonly model?: string
  /** Milliseconds since the epoch, server's clock, like all times here. */
  readonly startedAtMs?: number
  readonly endedAtMs?: number
  readonly lastActivityAtMs?: number
  readonly tookMs?: number
  readonly outcome?: 'approved' | 'rejected'
  readonly summary?: string
  readonly error?: string
  readonly reason?: string
  readonly exitCode?: number
  readonly usage?: Usage
  readonly toolCalls: number
  /** The server's verdict while it runs; absent where the server gives none. */
  readonly health?: Health
  /** When that was heard, by the server's clock. */
  readonly healthAtMs?: number
}

/** Which rows are shown. `story`: all that tells something; `all`: beats and token counts, too. */
export type Filter = 'story' | 'steps' | 'edits' | 'failed' | 'all'

export interface TimelineState {
  /** Nothing is known before the first page. */
  readonly isLoaded: boolean
  readonly task: TaskInfo
  /** Ascending by number. */
  readonly rows: readonly Row[]
  readonly runsById: ReadonlyMap<number, Invocation>
  /** Number of the first event that is loaded; 0 without any. */
  readonly firstSeq: number
  /** Number of the last event that was taken in, shown or not. */
  readonly lastSeq: number
  /** There are events before the first row. */
  readonly hasOlder: boolean
  /** Newer rows than the last one exist, but not here: the list was full while somebody read it. */
  readonly isDetached: boolean
  readonly toolCalls: number
  readonly errors: number
  readonly lastActivityAtMs: number
  /** Open tool calls: the key of the call to the number of its row. */
  readonly openCalls: ReadonlyMap<string, number>
  /** Ended tool calls whose start is not loaded. */
  readonly headless: ReadonlyMap<string, number>
  readonly collapsed: ReadonlySet<number>
  readonly openRuns: ReadonlySet<number>
  /** Rows a person opened or closed, against what they do by themselves. */
  readonly expanded: ReadonlyMap<number, Expansion>
  readonly filter: Filter
  /** Changes whenever rows that were there before may have been hidden or shown. */
  readonly layout: number
}

/** A timeline of which nothing is known yet. */
export function createState (taskId: string): TimelineState {
  return {
    isLoaded: false,
    task: { id: taskId },
    rows: [],
    runsById: new Map(),
    firstSeq: 0,
    lastSeq: 0,
    hasOlder: false,
    isDetached: false,
    toolCalls: 0,
    errors: 0,
    lastActivityAtMs: 0,
    openCalls: new Map(),
    headless: new Map(),
    collapsed: new Set(),
    openRuns: new Set(),
    expanded: new Map(),
    filter: 'story',
    layout: 0
  }
}
