import type { ToolKind, Usage } from './activity.js'
import type { CallUse } from './open-uses.js'

/** The line of an output that says what went wrong first. */
export interface FirstError {
  /** That line, without colours, at most 300 characters. */
  readonly message: string
  /** Where in the code, as the line or those beside it say. */
  readonly location?: { readonly file: string, readonly line?: number }
}

/** A file that a call edited. */
export interface FileTouch {
  readonly path: string
  readonly isNew: boolean
  readonly added?: number
  readonly removed?: number
}

export type CallEndStatus = 'ok' | 'error' | 'denied' | 'aborted'

/** What the start of a call says of it. Its texts were redacted before. */
export interface CallStart extends CallUse {
  readonly phase: 'start'
  readonly name: string
  readonly kind: ToolKind
  /** One line, at most 1,024 characters. */
  readonly message: string
  /** Its programs, `git add + git commit`; null for what is no command. */
  readonly chain: string | null
  /** The same for the same tool and input. */
  readonly hash: string
  /** The time that it asked for, in milliseconds; null for none. */
  readonly timeoutMs: number | null
  /** It asks how something else goes on: the same answer again is no sign of a loop. */
  readonly isPoll: boolean
  readonly isBackground: boolean
  readonly files: readonly FileTouch[]
}

/** What the end of a call says of it. */
export interface CallEnd extends CallUse {
  readonly phase: 'end'
  readonly status: CallEndStatus
  readonly exitCode: number | null
  readonly durationMs: number | null
  /** The same for the same result, times and durations left out. */
  readonly resultHash: string
  readonly firstError: FirstError | undefined
  readonly files: readonly FileTouch[]
}

/** What an activity says besides its text, as far as it is kept apart from it. */
export interface ActivityFacts {
  readonly call?: CallStart | CallEnd | undefined
  /** The agent's plan as a whole, as JSON. */
  readonly plan?: string | undefined
  /** Of the run so far. */
  readonly usage?: Partial<Usage> | undefined
}
