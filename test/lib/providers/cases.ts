import { inspect, isDeepStrictEqual } from 'node:util'
import type { Test } from 'tap'
import type { InvocationActivity, InvocationResult } from '../../../lib/model/activity.js'
import toilFormat from '../../../examples/own-cli.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { knownFormats } from '../../../lib/providers/formats.js'
import { createRecognisingAdapter } from '../../../lib/providers/recognise.js'
import type { Recording } from './recordings.js'

/** What a program prints, and what must be made of it. */
export interface Case {
  readonly name: string
  /** `run` is any command of which nothing is known. */
  readonly by?: 'claude' | 'codex' | 'gemini' | 'run'
  /** Objects are lines of JSON; texts are as they are, line breaks included. */
  readonly prints: ReadonlyArray<object | string>
  /** What it prints on stderr. */
  readonly stderr?: string
  readonly exitCode?: number
  /** False where `run` cannot know whose lines these are. */
  readonly isRunOf?: boolean
  /** `tool: status` of each use, in the order of the starts; an id of a parent in front. */
  readonly calls?: readonly string[]
  readonly result?: object
  /** Each must be among the activities. */
  readonly shows?: readonly object[]
  readonly hides?: readonly RegExp[]
  /** Types that are shown as unknown, in order; else there must be none. */
  readonly unknown?: readonly string[]
  /** How often a message is among the activities. */
  readonly times?: Readonly<Record<string, number>>
}

/** The bytes of a case, as a recording. */
export function printed ({ prints, stderr = '', exitCode = 0 }: Case): Omit<Recording, 'name' | 'file'> {
  const stdout = Buffer.from(prints.map((one) => typeof one === 'string' ? one : `${JSON.stringify(one)}\n`).join(''))
  return { stdout, stderr: Buffer.from(stderr), exitCode, signal: null }
}

/** Who reads a case: the adapter of its CLI, and `run`, which must find out by itself. */
export function readersOf ({ by = 'claude', isRunOf = true }: Case): Array<keyof typeof adapters> {
  return by === 'run' || !isRunOf ? [by] : [by, 'run']
}

/** How each is read; `run` knows nothing but what is printed. */
export const adapters: Record<NonNullable<Case['by']>, () => CliAdapter<never>> = {
  claude: () => claudeAdapter as CliAdapter<never>,
  codex: () => createCodexAdapter() as CliAdapter<never>,
  gemini: () => geminiAdapter as CliAdapter<never>,
  run: () => createRecognisingAdapter(['sh', '-c', 'work'], [toilFormat, ...knownFormats()]) as CliAdapter<never>
}

export type Activities = readonly InvocationActivity[]

/** Holds what was made of it against what is expected. */
export function check (t: Test, expected: Partial<Case>, activities: Activities, result: InvocationResult): void {
  if (expected.calls !== undefined) t.strictSame(callsOf(activities), expected.calls)
  if (expected.result !== undefined) t.match(result, expected.result)
  for (const shown of expected.shows ?? []) {
    const isShown = activities.some((activity) => matches(activity, shown))
    t.ok(isShown, `shows ${inspect(shown)} among ${inspect(activities, { depth: 4 })}`)
  }
  for (const hidden of expected.hides ?? []) t.notOk(activities.some(({ message }) => hidden.test(message)), `hides ${String(hidden)}`)
  for (const [message, times] of Object.entries(expected.times ?? {})) {
    t.equal(activities.filter((activity) => activity.message === message).length, times, message)
  }
  const unknown = activities.filter(({ metadata }) => metadata?.kind === 'unknown').map(({ metadata }) => metadata!.rawType)
  t.strictSame(unknown, expected.unknown ?? [], 'unknown types')
}

/** Each use by its start, with how it ended. */
export function callsOf (activities: readonly InvocationActivity[]): string[] {
  const calls = activities.filter(({ metadata }) => metadata?.phase === 'start').map(({ metadata }) => ({ ...metadata, status: 'open' }) as Call)
  for (const { type, metadata } of activities) {
    if (type !== 'tool_exec' || metadata?.phase !== 'end') continue
    const call = calls.find((call) => call.callId === metadata.callId && call.use === metadata.use && call.status === 'open' &&
      call.parentCallId === metadata.parentCallId)
    if (call !== undefined) call.status = String(metadata.status)
  }
  return calls.map(({ parentCallId, tool, status }) => `${parentCallId === undefined ? '' : `${parentCallId} `}${tool}: ${status}`)
}

interface Call {
  readonly callId: string
  readonly use?: number
  readonly parentCallId?: string
  readonly tool: string
  status: string
}

export function matches (value: unknown, wanted: unknown): boolean {
  if (wanted instanceof RegExp) return wanted.test(String(value))
  if (Array.isArray(wanted) || typeof wanted !== 'object' || wanted === null) return isDeepStrictEqual(value, wanted)
  return typeof value === 'object' && value !== null &&
    Object.entries(wanted).every(([name, member]) => matches((value as Record<string, unknown>)[name], member))
}
