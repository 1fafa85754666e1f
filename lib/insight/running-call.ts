import { TOOL_KINDS, type ToolKind } from '../model/activity.js'
import { toolKindOf } from '../model/tool-kind.js'
import { commandOf } from './command.js'
import type { RunningCall } from './evidence.js'
import { STEP_OF } from './limits.js'
import type { OpenCall } from './progress.js'

/** What names a call and its programs in a project's history. */
export interface CallKeys {
  readonly hash: string
  readonly chain: string | null
}

/**
 * An open call as a verdict sees it.
 *
 * @param startedAt on the clock that the run is judged by
 * @param keys undefined where its history is not known
 */
export function toRunningCall (call: OpenCall, startedAt: number, keys: CallKeys | undefined): RunningCall {
  const kind = kindOf(call)
  const step = STEP_OF[kind]
  const isCommand = step === 'shell' || step === 'build'
  return {
    callId: call.callId,
    name: call.name,
    message: call.message,
    step,
    isPerson: kind === 'person',
    startedAt,
    parentCallId: call.parentCallId,
    callKey: isCommand && keys !== undefined ? callKey(keys.hash) : undefined,
    chainKey: isCommand && (keys?.chain ?? null) !== null ? chainKey(keys?.chain as string) : undefined,
    timeoutMs: call.timeoutMs ?? 0,
    sleepMs: isCommand ? call.sleepMs ?? 0 : 0,
    isBackground: call.isBackground === true
  }
}

/** Of a call as a key of {@link Usual}. */
export function callKey (hash: string): string {
  return `call ${hash}`
}

/** Of a chain of programs as a key of {@link Usual}. */
export function chainKey (chain: string): string {
  return `chain ${chain}`
}

/** As its adapter says; only where it does not, its name and its command are read. */
function kindOf ({ toolKind, kind, name, message }: OpenCall): ToolKind {
  if ((TOOL_KINDS as readonly unknown[]).includes(toolKind)) return toolKind as ToolKind
  return kind ?? toolKindOf(name, commandOf(message, {}))
}
