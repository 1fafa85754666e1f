import type { InvocationActivity } from '../model/activity.js'
import { shapeOf, type CommandShape } from './command.js'
import { digest } from './digest.js'
import { kindOfCall } from './floors.js'
import type { Step } from './limits.js'
import { LoopFinder, type Loop } from './loops.js'
import type { Usual } from './usual.js'

/** A tool call that has started and not ended. */
export interface RunningCall {
  readonly callId: string
  readonly name: string
  readonly message: string
  readonly step: Step
  readonly isPerson: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly seq: number
  readonly parentCallId: string | undefined
  /** What its tool and input are, as a key of {@link Usual}. */
  readonly callKey: string
  /** Its programs, as a key of {@link Usual}; undefined for what is no command. */
  readonly chainKey: string | undefined
  readonly command: CommandShape | undefined
  /** The time that the call itself asked for, in milliseconds; 0 for none. */
  readonly timeoutMs: number
  isBackground: boolean
}

/** What the agent waits for, by its own words. */
export interface RunWait {
  readonly kind: string
  readonly what: string
  /** Milliseconds since the epoch. */
  readonly until: number | undefined
  /** When the first of the waits came that followed each other with nothing between. */
  readonly since: number
  readonly toldAt: number
  readonly times: number
  readonly callId: string | undefined
}

/** Whoever has more calls open has lost count. */
const MAX_CALLS = 256
/** Lines that a command prints while it runs show that it moves; one that prints for so long may do so for ever. */
const LIVE_OUTPUT_MS = 15 * 60_000
/** What a CLI says before its model has answered. */
const BEFORE_A_TURN = new Set(['session', 'notice', 'usage', 'unknown', 'unknown_format'])
const POLLING_TOOL = /^(?:bash_?output|task_?output|agent_?output\w*|write_stdin|wait\w*|kill_?shell|task_?stop|\w*poll\w*|get_\w*status)$/i

/** What one run is in the middle of, from its activities in their order. */
export class RunState {
  readonly calls = new Map<string, RunningCall>()
  readonly #loops = new Map<string, LoopFinder>()
  readonly #usual: Usual
  waiting: RunWait | undefined
  /** The last activity that was more than a sign of life, in milliseconds since the epoch. */
  movedAt: number
  /** The model has said or done something. */
  hasTurn = false
  #seq = 0

  constructor (startedAt: number, usual: Usual) {
    this.movedAt = startedAt
    this.#usual = usual
  }

  /** @returns whether the run moved: false for a mere sign of life */
  follow (activity: InvocationActivity, at: number): boolean {
    const details = activity.metadata ?? {}
    const kind = activity.type === 'progress' ? details.kind : undefined
    this.#seq++
    if (kind === 'tool' && !this.#isNewOutput(details, at)) return false
    if (kind === 'waiting' || kind === 'retry') {
      const isFirst = this.waiting === undefined
      this.#wait(kind, activity.message, details, at)
      // An agent that tries again and again gets nowhere.
      if (isFirst) this.movedAt = Math.max(this.movedAt, at)
      return true
    }
    const callId = textOf(details.callId)
    if (this.waiting?.callId === undefined || callId === undefined || callId === this.waiting.callId) {
      this.waiting = undefined
    }
    if (activity.type === 'tool_exec' && callId !== undefined) {
      if (details.phase === 'end') this.#end(callId, details, at)
      else this.#start(callId, activity.message, details, at)
    } else if (details.background === true && callId !== undefined) {
      const call = this.calls.get(callId)
      if (call !== undefined) call.isBackground = true
    }
    const isTurn = activity.type === 'tool_exec' || activity.type === 'output' ||
      (typeof kind === 'string' && !BEFORE_A_TURN.has(kind))
    this.hasTurn ||= isTurn
    this.movedAt = Math.max(this.movedAt, at)
    return true
  }

  /** The open calls that the agent waits for: those that have no open call within them. */
  leaves (): RunningCall[] {
    const open = [...this.calls.values()].filter(({ isBackground }) => !isBackground)
    const parents = new Set(open.map(({ parentCallId }) => parentCallId))
    return open.filter(({ callId }) => !parents.has(callId))
  }

  /** The repetition that one of its levels is in; of several the one that goes on longest. */
  loop (): Loop | undefined {
    let worst: Loop | undefined
    for (const finder of this.#loops.values()) {
      const loop = finder.find()
      if (loop !== undefined && (worst === undefined || loop.since < worst.since)) worst = loop
    }
    return worst
  }

  #isNewOutput (details: Readonly<Record<string, unknown>>, at: number): boolean {
    if (details.live !== true) return false
    const call = this.calls.get(textOf(details.callId) ?? '')
    return call === undefined || at - call.startedAt < LIVE_OUTPUT_MS
  }

  #wait (kind: string, message: string, details: Readonly<Record<string, unknown>>, at: number): void {
    const until = typeof details.until === 'string' ? Date.parse(details.until) : NaN
    this.waiting = {
      kind: textOf(details.waitKind) ?? (kind === 'retry' ? 'retry' : 'other'),
      what: textOf(details.what) ?? message,
      until: Number.isNaN(until) ? undefined : until,
      since: this.waiting?.since ?? at,
      toldAt: at,
      times: (this.waiting?.times ?? 0) + 1,
      callId: textOf(details.callId)
    }
  }

  #start (callId: string, message: string, details: Readonly<Record<string, unknown>>, at: number): void {
    const name = textOf(details.tool) ?? ''
    const told = textOf(details.toolKind)
    const kind = kindOfCall({ name, message, ...(told === undefined ? {} : { toolKind: told }) })
    const step = kind === 'person' ? 'other' : kind
    const input = details.input as Readonly<Record<string, unknown>> | null | undefined
    const line = textOf(input?.command) ?? (message.startsWith('exec: ') ? message.slice(6) : undefined)
    const command = line !== undefined && (step === 'shell' || step === 'build') ? shapeOf(line) : undefined
    const call = {
      callId,
      name,
      message,
      step,
      isPerson: kind === 'person',
      startedAt: at,
      seq: this.#seq,
      parentCallId: textOf(details.parentCallId),
      callKey: 'call ' + digest(`${name} ${input === undefined ? message : JSON.stringify(input)}`),
      chainKey: command === undefined || command.chain === '' ? undefined : 'chain ' + command.chain,
      command,
      timeoutMs: typeof input?.timeout === 'number' && input.timeout > 0 ? input.timeout : 0,
      isBackground: details.background === true
    }
    this.calls.delete(callId)
    if (this.calls.size < MAX_CALLS) this.calls.set(callId, call)
  }

  #end (callId: string, details: Readonly<Record<string, unknown>>, at: number): void {
    const call = this.calls.get(callId)
    this.calls.delete(callId)
    this.#loops.delete(callId)
    if (call === undefined || (details.status !== 'ok' && details.status !== 'error')) return
    const durationMs = at - call.startedAt
    const wasCut = call.timeoutMs > 0 && durationMs >= call.timeoutMs
    if (!call.isBackground && !wasCut) {
      this.#usual.add(call.chainKey === undefined ? [call.callKey] : [call.callKey, call.chainKey], durationMs)
    }
    const level = call.parentCallId ?? ''
    let loops = this.#loops.get(level)
    if (loops === undefined) this.#loops.set(level, loops = new LoopFinder())
    loops.add({
      seq: call.seq,
      call: call.callKey,
      tool: call.name,
      result: String(details.result ?? '') + ' ' + String(details.exitCode ?? ''),
      isError: details.status === 'error',
      // A tool that nobody knows, and that says again what it said, may be one that asks how something goes on.
      isPoll: call.command?.isPoll === true || POLLING_TOOL.test(call.name) ||
        (call.step === 'other' && details.status === 'ok'),
      startedAt: call.startedAt,
      endedAt: at
    })
  }
}

function textOf (value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}
