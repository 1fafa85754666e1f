import type { CallEnd, CallEndStatus, CallStart, FileTouch } from '../model/activity-facts.js'
import { TOOL_KINDS, type ToolKind } from '../model/activity.js'
import { readUse, type CallUse } from '../model/open-uses.js'
import { toolKindOf } from '../model/tool-kind.js'
import { cutText } from '../text/cut.js'
import { askedMs, commandOf, shapeOf } from './command.js'
import { digest } from './digest.js'
import { firstErrorOf } from './first-error.js'
import { fingerprint } from './loops.js'

const MESSAGE_CHARS = 1_024
const NAME_CHARS = 100
const PATH_CHARS = 1_024
/** No edit touches more files that anybody would look at. */
const MAX_FILES = 100
const STATUSES: readonly unknown[] = ['ok', 'error', 'denied', 'aborted']

/** Reads an activity of the type `tool_exec`. @returns undefined for one that names no call or no phase */
export function readCall (
  message: string, details: Readonly<Record<string, unknown>>
): CallStart | CallEnd | undefined {
  const use = readUse(details)
  if (use === undefined) return undefined
  if (details.phase === 'start') return readStart(use, message, details)
  return details.phase === 'end' ? readEnd(use, details) : undefined
}

function readStart (use: CallUse, message: string, details: Readonly<Record<string, unknown>>): CallStart {
  const name = cutText(textOf(details.tool) ?? '', NAME_CHARS)
  const input = details.input
  const command = commandOf(message, details)
  const told = (TOOL_KINDS as readonly unknown[]).includes(details.toolKind) ? details.toolKind as ToolKind : undefined
  const kind = told ?? toolKindOf(name, command)
  const shape = command === undefined || !COMMANDS.has(kind) ? undefined : shapeOf(command)
  return {
    ...use,
    phase: 'start',
    name,
    kind,
    message: cutText(message, MESSAGE_CHARS),
    chain: shape === undefined || shape.chain === '' ? null : shape.chain,
    hash: digest(`${name} ${input === undefined ? message : JSON.stringify(input)}`),
    timeoutMs: askedMs(details) || null,
    isPoll: shape?.isPoll === true || POLLING_TOOL.test(name),
    isBackground: details.background === true,
    files: filesOf(details)
  }
}

const POLLING_TOOL = /^(?:bash_?output|task_?output|agent_?output\w*|write_stdin|wait\w*|kill_?shell|task_?stop|\w*poll\w*|get_\w*status)$/i

const COMMANDS: ReadonlySet<ToolKind> = new Set(['shell', 'build', 'test'])

function readEnd (use: CallUse, details: Readonly<Record<string, unknown>>): CallEnd {
  const { status, exitCode, durationMs, result } = details
  const output = typeof result === 'string' ? result : result === undefined ? '' : JSON.stringify(result)
  const ending = (STATUSES.includes(status) ? status : 'ok') as CallEndStatus
  return {
    ...use,
    phase: 'end',
    status: ending,
    exitCode: Number.isSafeInteger(exitCode) ? exitCode as number : null,
    durationMs: typeof durationMs === 'number' && durationMs >= 0 ? Math.round(durationMs) : null,
    resultHash: fingerprint(`${output} ${typeof exitCode === 'number' ? exitCode : ''}`),
    firstError: ending === 'error' || ending === 'denied' ? firstErrorOf(output) : undefined,
    files: filesOf(details)
  }
}

function filesOf ({ files }: Readonly<Record<string, unknown>>): FileTouch[] {
  if (!Array.isArray(files)) return []
  return files.slice(0, MAX_FILES).flatMap((file: unknown) => {
    const { path, kind, added, removed } = (file ?? {}) as Record<string, unknown>
    if (typeof path !== 'string' || path === '') return []
    return [{
      path: cutText(path, PATH_CHARS),
      isNew: kind === 'add' || kind === 'create' || kind === 'created' || kind === 'new',
      ...(isCount(added) ? { added } : {}),
      ...(isCount(removed) ? { removed } : {})
    }]
  })
}

function isCount (value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
