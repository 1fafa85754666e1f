import { StringDecoder } from 'node:string_decoder'
import type { Usage } from '../../model/activity.js'
import type { AcpConnection } from './connection.js'
import type { JsonObject } from '../json.js'

/** A tool call as far as it was told: several updates may describe it before it starts. */
export interface AcpCall {
  readonly update: JsonObject
  readonly output: string
}

/** A terminal of the agent: its output may come before the call that it belongs to is known. */
export interface AcpTerminal {
  callId?: string
  output: string
  exitCode?: number
  /** Pieces end anywhere, also inside a character. */
  readonly decoder: StringDecoder
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
  /** Version 2: what runs in terminals, by their ids. */
  readonly terminals: Map<string, AcpTerminal>
  /** Sessions of sub-agents, by their ids: nothing of them is the run's own answer, end or usage. */
  readonly children: Map<string, AcpState>
  /** Set in the state of a sub-agent's session. */
  readonly childOf?: string
  /** The thought that is being told piece by piece. */
  thought: string
  /** The text since the last tool, of the last message. */
  answer: string
  messageId?: string
  model?: string
  costUsd?: number
  /** As the answer to the prompt has it. */
  usage?: Usage
  /** Added up over the calls of the model, where the agent tells each. */
  callUsage?: Usage
  /** Tokens in the context after the last step. */
  contextTokens?: number
  /** How many tool calls ended: each is followed by another call of the model. */
  toolsEnded: number
  /** How the turn ended, in the protocol's words. */
  stopReason?: string
  error?: string
  reason?: string
  isSignedIn?: boolean
  isPolicyTold?: boolean
  /** Version 2: something came of the turn; an idle session before that is the one that was opened. */
  hasBegun?: boolean
  /** Version 2: called when the agent is idle again. */
  onIdle?: () => void
}

export function createAcpState (isResumed: boolean, childOf?: string): AcpState {
  return {
    ...(childOf !== undefined && { childOf }),
    isReplaying: false,
    isResumed,
    calls: new Map(),
    terminals: new Map(),
    children: new Map(),
    toolsEnded: 0,
    thought: '',
    answer: ''
  }
}

/** The terminal of this id; made where it is new. */
export function terminalOf (state: AcpState, terminalId: string): AcpTerminal {
  const known = state.terminals.get(terminalId)
  if (known !== undefined) return known
  const terminal: AcpTerminal = { output: '', decoder: new StringDecoder() }
  state.terminals.set(terminalId, terminal)
  return terminal
}
