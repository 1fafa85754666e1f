import type {
  CurrentFrame, InvocationActivityEvent, InvocationCompletedEvent, InvocationFailedEvent, InvocationStartedEvent
} from '../../lib/model/events.js'
import { readTime, timeOf } from './rows.js'
import type { Invocation } from './state.js'

/** An invocation of which nothing but its number is known: it counts as running until an end is seen. */
export function createInvocation (id: number): Invocation {
  return { id, status: 'running', toolCalls: 0 }
}

export function startInvocation (known: Invocation, event: InvocationStartedEvent): Invocation {
  const { role, provider, model } = event
  return { ...known, role, provider, model, startedAtMs: timeOf(event) }
}

/** What the server says about a running invocation at the start of a stream. */
export function describeRunning (known: Invocation, frame: CurrentFrame): Invocation {
  const { role, provider, model, startedAt, lastActivityAt } = frame
  const lastActivityAtMs = Math.max(readTime(lastActivityAt ?? startedAt) ?? 0, known.lastActivityAtMs ?? 0)
  return { ...known, role, provider, model, startedAtMs: known.startedAtMs ?? readTime(startedAt), lastActivityAtMs }
}

/** A call that is given up with its run says when that was noticed. */
export function noteActivity (known: Invocation, event: InvocationActivityEvent, isNewCall: boolean): Invocation {
  const lastActivityAtMs = event.metadata?.status === 'aborted' ? known.lastActivityAtMs : timeOf(event)
  return { ...known, lastActivityAtMs, toolCalls: known.toolCalls + Number(isNewCall) }
}

export function endInvocation (known: Invocation, event: InvocationCompletedEvent | InvocationFailedEvent): Invocation {
  const { type, duration, usage } = event
  const endedAtMs = timeOf(event)
  const ended: Invocation = {
    ...known,
    endedAtMs,
    usage,
    health: undefined,
    status: type.slice('invocation.'.length) as Invocation['status'],
    // Where the duration is not known, the start may be no more than the end repeated.
    tookMs: duration ?? ((endedAtMs - known.startedAtMs!) || undefined)
  }
  if (type === 'invocation.completed') {
    const { outcome, summary } = event
    return { ...ended, outcome, summary }
  }
  const { error, reason, exitCode } = event
  return { ...ended, error, reason, exitCode }
}

/** One invocation from what its older and its newer events say. */
export function joinInvocations (older: Invocation, newer: Invocation | undefined): Invocation {
  if (newer === undefined) return older
  const known = Object.fromEntries(Object.entries(newer).filter(([, value]) => value !== undefined))
  return { ...older, ...known, toolCalls: older.toolCalls + newer.toolCalls }
}
