import type { Writable } from 'node:stream'
import type { ActivityLog } from '../activity-log.js'
import type { AgentCall } from '../adapter.js'
import type { AcpState } from './state.js'

/** What an agent asks before it uses a tool. */
export interface PermissionRequest {
  readonly callId: string
  readonly title: string
  /** `read`, `edit`, `execute`, … */
  readonly kind?: string
  readonly input?: unknown
}

/** Answers what an agent asks; while it takes its time, the run is seen to wait for a person. */
export type PermissionDecision = (request: PermissionRequest) => boolean | Promise<boolean>

/** What one conversation needs. */
export interface AcpConversation {
  readonly call: AgentCall
  readonly cwd: string
  readonly stdin: Writable
  readonly state: AcpState
  readonly log: ActivityLog
  readonly protocolVersion: 1 | 2
  readonly decide: 'allow' | 'deny' | PermissionDecision
  /** How to sign in, by the agent's id of the method. */
  readonly authMethod?: string
  readonly stopping: AbortSignal
}
