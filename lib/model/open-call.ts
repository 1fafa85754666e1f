import { TOOL_KINDS, type ToolKind } from './activity.js'
import type { OpenUse } from './open-uses.js'

/** A tool call that has started and not ended. */
export interface OpenCall extends OpenUse {
  readonly tool: string
  /** What it does, as its adapter says. */
  readonly toolKind?: ToolKind
  /** Milliseconds since the epoch. */
  readonly startedAt: number
}

/** The kind that metadata tell of a call, as a member of {@link OpenCall}. */
export function readToolKind ({ toolKind }: Readonly<Record<string, unknown>>): Pick<OpenCall, 'toolKind'> {
  return (TOOL_KINDS as readonly unknown[]).includes(toolKind) ? { toolKind: toolKind as ToolKind } : {}
}

/** No agent runs more tools at once; whoever opens more has lost count. */
export const MAX_OPEN_CALLS = 1_000

/** Metadata of the end of a call that its run did not live to see. */
export function abortedMetadata (call: OpenCall, at: number): Record<string, unknown> {
  return {
    callId: call.callId,
    phase: 'end',
    ...(call.use === undefined ? {} : { use: call.use }),
    tool: call.tool,
    ...(call.toolKind === undefined ? {} : { toolKind: call.toolKind }),
    status: 'aborted',
    durationMs: Math.max(0, at - call.startedAt),
    ...(call.parentCallId === undefined ? {} : { parentCallId: call.parentCallId })
  }
}
