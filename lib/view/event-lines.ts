import type {
  InvocationActivityEvent, InvocationCompletedEvent, InvocationFailedEvent, InvocationSummary, TaskEvent, TimelineEvent
} from '../model/events.js'
import { formatDuration, toPlainLine, toPlainLines } from '../text/plain-text.js'

/**
 * Turns a task's events into lines of text, one after the other.
 *
 * It remembers who is who: an end names its role.
 */
export class EventLines {
  readonly #roles = new Map<number, string>()

  /** @param known invocations whose start may not be among the events */
  constructor (known: ReadonlyArray<Pick<InvocationSummary, 'id' | 'role'>> = []) {
    for (const { id, role } of known) this.#roles.set(id, role)
  }

  /** The line of an event; undefined for those that add nothing, as the end of a tool call that went well. */
  format (event: TimelineEvent): string | undefined {
    const line = this.#describe(event)
    return line === undefined ? undefined : `${timeOf(event.timestamp)}  ${line}`
  }

  /** The lines of an agent's own words. */
  formatOutput (event: InvocationActivityEvent): string[] {
    return toPlainLines(event.activity).map((line) => `${timeOf(event.timestamp)}  ${line}`)
  }

  #describe (event: TimelineEvent): string | undefined {
    switch (event.type) {
      case 'invocation.started': {
        this.#roles.set(event.invocationId, event.role)
        const model = event.model === undefined ? '' : `, ${event.model}`
        return toPlainLine(`⟳  ${this.#who(event.invocationId)} started (${event.provider}${model})`)
      }
      case 'invocation.activity': return this.#describeActivity(event)
      case 'invocation.completed': return this.#describeSuccess(event)
      case 'invocation.failed':
      case 'invocation.timeout': return this.#describeFailure(event)
      default: return describeTask(event)
    }
  }

  #describeActivity (event: InvocationActivityEvent): string | undefined {
    if (event.activityType === 'error') return `✗  ${toPlainLine(event.activity)}`
    if (event.activityType !== 'tool_exec') return undefined
    const { phase, status, exitCode, durationMs } = event.metadata ?? {}
    if (phase !== 'end') return `⚡ ${toPlainLine(event.activity)}`
    if (status === 'ok' || status === undefined) return undefined
    const details = [
      ...(typeof exitCode === 'number' ? [`exit ${exitCode}`] : []),
      ...(typeof durationMs === 'number' ? [formatDuration(durationMs)] : [])
    ].join(', ')
    const verb = status === 'error' ? 'failed' : String(status)
    return toPlainLine(`✗  ${toPlainLine(event.activity, 160)} ${verb}${details === '' ? '' : ` (${details})`}`)
  }

  #describeSuccess (event: InvocationCompletedEvent): string {
    const mark = event.outcome === 'rejected' ? '✗' : '✓'
    const summary = event.outcome === 'rejected' && event.summary !== undefined ? `: ${event.summary}` : ''
    return toPlainLine(
      `${mark}  ${this.#who(event.invocationId)} ${event.outcome ?? 'completed'}${took(event.duration)}${summary}`
    )
  }

  #describeFailure (event: InvocationFailedEvent): string {
    const verb = event.type === 'invocation.timeout' ? 'timed out' : 'failed'
    return toPlainLine(`✗  ${this.#who(event.invocationId)} ${verb}${took(event.duration)}: ${event.error}`)
  }

  /** The role with a capital; where the start was not read, the number. */
  #who (invocationId: number): string {
    const role = this.#roles.get(invocationId)
    if (role === undefined || role === '') return `Invocation ${invocationId}`
    return nameOf(role)
  }
}

/** A role as a sentence begins with it. */
export function nameOf (role: string): string {
  return role.charAt(0).toUpperCase() + role.slice(1)
}

/** The time of day in UTC. */
export function timeOf (timestamp: string): string {
  return timestamp.slice(11, 19)
}

function describeTask (event: TaskEvent): string {
  switch (event.type) {
    case 'task.started': return toPlainLine(`▶  Task started by ${event.actor}`)
    case 'task.completed': return '✓  Task completed'
    case 'task.failed': return toPlainLine(`✗  Task failed: ${event.message}`)
    case 'task.rejected': return toPlainLine(`↩  Task rejected by ${event.actor}`)
    default: return toPlainLine(`•  ${event.message === '' ? event.type : event.message}`)
  }
}

function took (durationMs: number | undefined): string {
  return durationMs === undefined ? '' : ` (${formatDuration(durationMs)})`
}
