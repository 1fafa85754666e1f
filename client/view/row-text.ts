import type { Row, TextRow, ToolRow } from '../store/rows.js'
import type { Expansion, Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { roleName } from './badges.js'
import { capitalise, formatCount, formatDuration, toWords } from './format.js'
import type { IconName } from './icons.js'

export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'running'

/** The document's icons; tools have signs of their own, ⚡ stands for the others. */
export function iconOf (row: Row, invocation: Invocation | undefined): IconName {
  switch (row.kind) {
    case 'task': return ({ started: 'play', completed: 'check', failed: 'x', rejected: 'back' } as const)[row.change] ?? 'dot'
    case 'start': return 'play'
    case 'end': return invocation?.status === 'completed'
      ? invocation.outcome === 'rejected' ? 'back' : 'check'
      : invocation?.status === 'timeout' ? 'clock' : 'x'
    case 'gap': return 'gap'
    case 'output': return 'text'
    case 'error': return 'alert'
    case 'progress': return ({ reasoning: 'thought', plan: 'plan', waiting: 'clock', retry: 'retry' } as const)[
      row.progressKind ?? ''] ?? 'dot'
    case 'tool': {
      if (row.status === 'error' || row.status === 'denied') return 'x'
      if (row.toolKind === 'look') return 'exec'
      return row.toolKind === 'other' ? 'activity' : row.toolKind
    }
  }
}

export function toneOf (row: Row, invocation: Invocation | undefined): Tone {
  switch (row.kind) {
    case 'task': return row.change === 'completed' ? 'good' : row.change === 'failed' ? 'bad' : 'plain'
    case 'end': return invocation?.status === 'completed'
      ? invocation.outcome === 'rejected' ? 'warn' : 'good'
      : invocation?.status === 'timeout' ? 'warn' : 'bad'
    case 'error': return 'bad'
    case 'progress': return row.progressKind === 'waiting' || row.progressKind === 'retry' ? 'warn' : 'plain'
    case 'tool': return ({ running: 'running', error: 'bad', denied: 'bad', aborted: 'warn', ok: 'plain', noted: 'plain' } as const)[
      row.status]
    default: return 'plain'
  }
}

/** How a tool call came out, in a few characters. */
export function outcomeOf (row: ToolRow): { text: string, tone: Tone } | undefined {
  const { status, exitCode, result, toolKind, files } = row
  if (status === 'denied' || status === 'aborted') return { text: status, tone: status === 'denied' ? 'bad' : 'warn' }
  if (exitCode !== undefined && exitCode !== 0) return { text: `exit ${exitCode}`, tone: 'bad' }
  if (status === 'error') return { text: 'failed', tone: 'bad' }
  if (files !== undefined && files.length > 1) return { text: formatCount(files.length, 'file'), tone: 'plain' }
  if (result === undefined || row.isTruncated || !(toolKind === 'read' || toolKind === 'search' || toolKind === 'look')) {
    return undefined
  }
  return { text: formatCount(result.trimEnd().split('\n').length, 'line'), tone: 'plain' }
}

/** `6 similar reads`. */
export function similarText (row: ToolRow | TextRow): string {
  const { count = 0 } = row.similar ?? {}
  const noun = row.kind === 'tool' ? ({ read: 'read', search: 'search' } as Record<string, string>)[row.toolKind] ?? 'command' : 'update'
  return `${count} similar ${noun === 'search' ? 'searches' : `${noun}s`}`
}

/** How much of a row is shown before anybody touched it: what went wrong stands open. */
export function defaultExpansion (row: Row): Expansion {
  return row.kind === 'error' || row.kind === 'end' || (row.kind === 'tool' && row.status === 'error') ? 'open' : 'closed'
}

/** Whether there is more to a row than its line. */
export function hasDetail (row: ToolRow): boolean {
  return row.result !== undefined || (row.verb !== '$' && row.input !== undefined) || row.target.length > 160
}

/** A task's change, as the document words it. */
export function taskText (change: string, message: string): string {
  if (change === 'started') return 'Task started'
  if (change === 'completed') return 'Task completed'
  if (change === 'rejected') return 'Task rejected'
  return message === '' ? `Task ${toWords(change)}` : toPlainText(message, 400)
}

/** An invocation's end, as the document words it. */
export function endText (invocation: Invocation): string {
  const { status, outcome } = invocation
  const verb = status === 'completed' ? outcome ?? 'completed' : status === 'timeout' ? 'timed out' : status
  return `${roleName(invocation)} ${verb}`
}

/** The whole row in words, for those who hear it. */
export function labelOf (row: Row, invocation: Invocation | undefined): string {
  switch (row.kind) {
    case 'task': return taskText(row.change, row.message)
    case 'start': return invocation === undefined ? 'Run started' : `${roleName(invocation)} started`
    case 'end': return invocation === undefined ? 'Run ended' : endText(invocation)
    case 'gap': return 'Missing events'
    case 'tool': {
      const took = row.durationMs === undefined ? '' : `, ${formatDuration(row.durationMs)}`
      const verb = row.verb === '$' ? 'Command' : capitalise(row.verb)
      return `${verb}: ${toPlainText(row.target, 120)}, ${outcomeOf(row)?.text ?? row.status}${took}`
    }
    default: return `${row.kind === 'output' ? 'Message' : capitalise(row.kind)}: ${toPlainText(row.text, 120)}`
  }
}
