import type { ToolKind as ToldKind } from '../../lib/model/activity.js'
import type { InvocationActivityEvent } from '../../lib/model/events.js'
import { timeOf, type ToolKind, type ToolRow, type ToolStatus } from './rows.js'

const STATUSES: readonly unknown[] = ['ok', 'error', 'denied', 'aborted'] satisfies ToolStatus[]

/** What adapters say a tool does, as a kind of row and its verb; without one, the tool's name is the verb. */
const TOLD_KINDS: Readonly<Record<ToldKind, readonly [kind: ToolKind, verb?: string]>> = {
  read: ['read', 'read'],
  edit: ['edit', 'edit'],
  search: ['search', 'search'],
  shell: ['exec'],
  build: ['exec'],
  test: ['exec'],
  web: ['web', 'fetch'],
  mcp: ['other'],
  agent: ['agent', 'agent'],
  person: ['other'],
  plan: ['plan', 'plan'],
  other: ['other']
}

/** For tools of which nobody says what they do. Best first; names that coding agents give theirs. */
const KINDS: ReadonlyArray<readonly [pattern: RegExp, kind: ToolKind, verb: string]> = [
  [/todo|plan|topic/i, 'plan', 'plan'],
  [/agent|^task|delegate/i, 'agent', 'agent'],
  [/web|fetch/i, 'web', 'fetch'],
  [/^write|^create/i, 'edit', 'write'],
  [/edit|replace|patch|change/i, 'edit', 'edit'],
  [/^read|^view|^cat$/i, 'read', 'read'],
  [/grep|glob|search|^find|^list|^ls/i, 'search', 'search']
]

/** Commands that only look: they fold like reads do. */
const LOOK = /^(?:cat|head|tail|sed -n|nl|wc|ls|find|fd|rg|grep|git (?:status|diff|log|show|blame)|pwd|tree|stat) ?(?!.*[>;&|])/

/** Makes the row of a tool call from the half that is there; the second half alone where the first is not loaded. */
export function createToolRow (event: InvocationActivityEvent, isParallel: boolean): ToolRow {
  const metadata = event.metadata ?? {}
  const { callId, phase, tool, input } = metadata
  const hasHalves = typeof callId === 'string'
  const row: ToolRow = {
    kind: 'tool',
    seq: event.seq,
    atMs: timeOf(event),
    invocationId: event.invocationId,
    isParallel,
    ...describeTool(event.activity, typeof tool === 'string' ? tool : '', metadata.toolKind),
    input,
    status: hasHalves && phase !== 'end' ? 'running' : 'noted',
    isTruncated: metadata.truncated === true,
    callId: hasHalves ? callId : undefined,
    isNested: metadata.parentCallId !== undefined,
    isLate: metadata.late === true
  }
  return phase === 'end' ? endToolRow(row, event) : row
}

/** The row of a call whose second half arrived. */
export function endToolRow (row: ToolRow, event: InvocationActivityEvent): ToolRow {
  const { durationMs, exitCode, result, output, files, truncated } = event.metadata ?? {}
  const text = result ?? output
  const tookMs = typeof durationMs === 'number' ? durationMs : timeOf(event) - row.atMs
  return {
    ...row,
    status: endStatus(event),
    tookMs: tookMs > 0 || durationMs === 0 ? tookMs : undefined,
    exitCode: typeof exitCode === 'number' ? exitCode : undefined,
    result: typeof text === 'string' && text !== '' ? text : undefined,
    files: Array.isArray(files) ? files as ToolRow['files'] : undefined,
    isTruncated: row.isTruncated || truncated === true
  }
}

/** How a call came out; hosts that log by themselves may know its exit code only. */
export function endStatus ({ metadata }: InvocationActivityEvent): ToolStatus {
  const { status, exitCode } = metadata ?? {}
  if (STATUSES.includes(status)) return status as ToolStatus
  return typeof exitCode === 'number' && exitCode !== 0 ? 'error' : 'ok'
}

/** Key of a call within its invocation: agents use an id again once its call is over, and count the uses. */
export function callKey (invocationId: number, callId: string, use?: unknown): string {
  return typeof use === 'number' ? `${invocationId} ${callId}\0${use}` : `${invocationId} ${callId}`
}

function describeTool (
  message: string, tool: string, told: unknown
): Pick<ToolRow, 'toolKind' | 'tool' | 'verb' | 'target'> {
  if (message.startsWith('exec: ')) {
    const target = message.slice('exec: '.length)
    return { toolKind: LOOK.test(target) ? 'look' : 'exec', tool, verb: '$', target }
  }
  const colon = message.indexOf(': ')
  const name = tool !== '' ? tool : colon === -1 ? '' : message.slice(0, colon)
  const hasName = name !== '' && message.startsWith(`${name}: `)
  const target = hasName ? message.slice(name.length + 2) : message === name ? '' : message
  const guess = KINDS.find(([pattern]) => pattern.test(name))
  if (typeof told === 'string' && Object.hasOwn(TOLD_KINDS, told)) {
    const [toolKind, verb = name] = TOLD_KINDS[told as ToldKind]
    // Names tell one kind of edit from another.
    return { toolKind, tool: name, verb: guess?.[1] === toolKind ? guess[2] : verb, target }
  }
  const [, toolKind, verb] = guess ?? [undefined, 'other' as const, name]
  return { toolKind, tool: name, verb, target }
}
