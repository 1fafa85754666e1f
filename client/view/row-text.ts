import type { Row, TextRow, ToolRow } from '../store/rows.js'
import type { Expansion, Invocation } from '../store/state.js'
import { toPlainText } from './ansi.js'
import { lookOf, resultOf, roleName, type Tone } from './badges.js'
import { formatCount, toWords } from './format.js'
import type { IconName } from './icons.js'

type Sign = readonly [icon: IconName, tone: Tone, word?: string]

// Maps: the names come from agents and hosts, and an object knows `constructor` and others by itself.
const TASK_SIGNS: ReadonlyMap<string, Sign> = new Map([
  ['started', ['play', '']], ['completed', ['check', 'good']], ['failed', ['x', 'bad']], ['rejected', ['back', '']]
])
const PROGRESS_SIGNS: ReadonlyMap<string, Sign> = new Map([
  ['plan', ['plan', '']], ['waiting', ['clock', 'warn']], ['retry', ['retry', 'warn']]
])
const TOOL_SIGNS: Readonly<Partial<Record<ToolRow['toolKind'], IconName>>> = {
  exec: 'exec', look: 'exec', read: 'read', search: 'search', edit: 'edit', plan: 'plan', web: 'web', agent: 'agent'
}
const TOOL_TONES: Readonly<Partial<Record<ToolRow['status'], Tone>>> = {
  running: 'running', error: 'bad', denied: 'bad', aborted: 'warn'
}

/** The document's icon and the tone of a row; tools have signs of their own, ⚡ stands for the others. */
export function signOf (row: Row, invocation: Invocation | undefined): Sign {
  switch (row.kind) {
    case 'task': return TASK_SIGNS.get(row.change) ?? ['dot', '']
    case 'end': return lookOf(resultOf(invocation))
    case 'output': return ['text', '']
    case 'error': return ['alert', 'bad']
    case 'progress': return PROGRESS_SIGNS.get(row.progressKind ?? '') ?? ['dot', '']
    case 'tool': {
      const tone = TOOL_TONES[row.status] ?? ''
      return [tone === 'bad' ? 'x' : TOOL_SIGNS[row.toolKind] ?? 'activity', tone]
    }
    default: return ['more', '']
  }
}

/** How a tool call came out, in a few characters. */
export function outcomeOf ({ status, exitCode = 0, result, toolKind, files = [], isTruncated }: ToolRow): string {
  if (status === 'denied' || status === 'aborted') return status
  if (exitCode !== 0) return `exit ${exitCode}`
  if (status === 'error') return 'failed'
  if (files.length > 1) return formatCount(files.length, 'file')
  const isLook = toolKind === 'read' || toolKind === 'search' || toolKind === 'look'
  return result === undefined || isTruncated || !isLook ? '' : formatCount(result.trimEnd().split('\n').length, 'line')
}

/** `6 similar reads`. */
export function similarText (row: ToolRow | TextRow): string {
  const what = row.kind !== 'tool'
    ? 'updates'
    : row.toolKind === 'read' ? 'reads' : row.toolKind === 'search' ? 'searches' : 'commands'
  return `${row.similar!.count} similar ${what}`
}

/** How much of a row is shown before anybody touched it: what went wrong stands open. */
export function defaultExpansion (row: Row): Expansion {
  return row.kind === 'tool' && row.status !== 'error' ? 'closed' : 'open'
}

/** A task's change, as the document words it, and what somebody said about it; the host's sentences say the same. */
export function taskText (change: string, message: string): string {
  const text = toPlainText(message, 400)
  if (text && !TASK_SIGNS.has(change)) return text
  return `Task ${toWords(toPlainText(change))}${/^Task |^$/.test(text) ? '' : `: ${text}`}`
}

/** An invocation's end, as the document words it. */
export function endText (invocation: Invocation): string {
  return `${roleName(invocation)} ${lookOf(resultOf(invocation))[2]}`
}

/** The whole row in words, for those who hear it. */
export function labelOf (row: Row, invocation: Invocation | undefined): string {
  switch (row.kind) {
    case 'task': return taskText(row.change, row.message)
    case 'start': return `${invocation === undefined ? 'Run' : roleName(invocation)} started`
    case 'end': return invocation === undefined ? 'Run ended' : endText(invocation)
    case 'gap': return 'Missing events'
    case 'tool': return `${toPlainText(`${row.verb} ${row.target}`, 120)}, ${outcomeOf(row) || row.status}`
    default: return `${row.kind}: ${toPlainText(row.text, 120)}`
  }
}
