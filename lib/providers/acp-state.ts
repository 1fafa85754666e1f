import type { Usage } from '../activity.js'
import type { AcpConnection } from './acp-connection.js'
import type { JsonObject } from './json.js'

/** A tool call as far as it was told: several updates may describe it before it starts. */
export interface AcpCall {
  readonly update: JsonObject
  readonly output: string
}

/** What is remembered of one run over ACP. */
export interface AcpState {
  /** Answers go through it; absent where a recording is read. */
  connection?: AcpConnection
  sessionId?: string
  /** Replayed history of a session that is loaded is not shown again. */
  isReplaying: boolean
  /** Tokens and cost may then be those of the whole session: they are left out. */
  readonly isResumed: boolean
  readonly calls: Map<string, AcpCall>
  /** Version 2: which call a terminal belongs to. */
  readonly terminals: Map<string, string>
  readonly exits: Map<string, number>
  /** The thought that is being told piece by piece. */
  thought: string
  /** The text since the last tool, of the last message. */
  answer: string
  messageId?: string
  model?: string
  costUsd?: number
  usage?: Usage
  /** How the turn ended, in the protocol's words. */
  stopReason?: string
  error?: string
  /** Version 2: called when the agent is idle again. */
  onIdle?: () => void
}

export function createAcpState (isResumed: boolean): AcpState {
  return {
    isReplaying: false,
    isResumed,
    calls: new Map(),
    terminals: new Map(),
    exits: new Map(),
    thought: '',
    answer: ''
  }
}
