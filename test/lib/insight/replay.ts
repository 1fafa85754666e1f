import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import { createRunObserver, createUsual, type RunObserver, type Usual } from '../../../lib/insight/run-observer.js'

type RecordedEvent = readonly [at: number, kind: string, counts: 0 | 1, ...rest: unknown[]]

/** A run as test/fixtures/runs has it. */
export interface RecordedRun {
  readonly provider: string
  readonly project: string
  readonly loops?: true
  readonly events: readonly RecordedEvent[]
}

/** A silence that was the agent's own. */
interface Silence {
  readonly run: RecordedRun
  readonly from: number
  readonly ms: number
}

export const START = Date.UTC(2026, 0, 1)
export const ALIVE = { process: 'alive', heartbeatAgeMs: 0 } as const
const LOOK_MS = 5_000
const HANG_MS = 4 * 3_600_000

export function readRuns (file: string | URL = new URL('../../fixtures/runs/runs.ndjson.gz', import.meta.url)): RecordedRun[] {
  const text = gunzipSync(readFileSync(file)).toString()
  return text.trimEnd().split('\n').map((line) => JSON.parse(line) as RecordedRun)
}

/** The activity that an adapter would have reported. */
export function activityOf ([at, kind, , ...rest]: RecordedEvent): InvocationActivity | undefined {
  const timestamp = new Date(START + at)
  switch (kind) {
    case 'C': {
      const [id, toolKind, program, hash, timeout, sleepS, background, parent] = rest as
        [number, string, string, string, number, number, number, number]
      const isCommand = toolKind === 'shell' || toolKind === 'build'
      const command = `${sleepS > 0 ? `sleep ${sleepS}; ` : ''}${program === '' ? 'run' : program} ${hash}`
      return {
        type: 'tool_exec',
        timestamp,
        message: isCommand ? `exec: ${command}` : `${toolKind}: ${hash}`,
        metadata: {
          callId: String(id),
          phase: 'start',
          tool: isCommand ? 'Bash' : toolKind,
          toolKind,
          input: isCommand ? { command, ...(timeout > 0 ? { timeout } : {}) } : { hash },
          ...(background === 1 ? { background: true } : {}),
          ...(parent > 0 ? { parentCallId: String(parent) } : {})
        }
      }
    }
    case 'E': {
      const [id, status, result, exitCode] = rest as [number, string, string, number]
      const metadata = { callId: String(id), phase: 'end', status, result, ...(exitCode >= 0 ? { exitCode } : {}) }
      return { type: 'tool_exec', timestamp, message: '', metadata }
    }
    case 'T': return { type: 'output', timestamp, message: 'text' }
    case 'R': return { type: 'progress', timestamp, message: 'thought', metadata: { kind: 'reasoning' } }
    case 'S': return { type: 'progress', timestamp, message: 'compacted', metadata: { kind: 'compaction' } }
    case 'X': return { type: 'error', timestamp, message: 'API error' }
    case 'B': return { type: 'progress', timestamp, message: 'running', metadata: { kind: 'tool', callId: String(rest[0]) } }
    case 'W': {
      const [ms, isRateLimit] = rest as [number, number]
      const until = ms > 0 ? { until: new Date(START + at + ms).toISOString() } : {}
      const waitKind = isRateLimit === 1 ? 'rate_limit' : 'retry'
      return { type: 'progress', timestamp, message: 'retry', metadata: { kind: 'retry', waitKind, what: 'retry', ...until } }
    }
    default: return undefined
  }
}

/** What the verdict said while all of these runs were observed, and how soon it would have found hangs in them. */
export interface Replay {
  readonly hours: number
  /** Runs called so although they went on by themselves. */
  readonly falseStuck: number
  readonly falseLoops: number
  /** Of the runs in which the agent did repeat itself. */
  readonly foundLoops: number
  readonly quiet: number
  /** Minutes until a run that fell silent for ever was called stuck, ascending. */
  readonly hangMinutes: readonly number[]
  /** The same, of those that fell silent in a command which their project had run ten times or more. */
  readonly knownMinutes: readonly number[]
  /** Of loops that were found: minutes from the end of their third repetition. */
  readonly loopMinutes: readonly number[]
  /** What was called stuck and went on: after how many minutes, and what it was at. */
  readonly alarms: ReadonlyArray<{ readonly minutes: number, readonly tool: string }>
}

/** @param random 0 up to 1: picks the silences that never end, by the time that runs spend in such ones */
export function replay (runs: readonly RecordedRun[], hangs: number, random: () => number): Replay {
  const usuals = new Map<string, Usual>()
  const observe = ({ provider, project }: RecordedRun): RunObserver => {
    const usual = usuals.get(project) ?? createUsual()
    usuals.set(project, usual)
    return createRunObserver({ provider, startedAt: START, usual })
  }
  const silences: Silence[] = []
  const alarms: Array<Replay['alarms'][number]> = []
  const loopMinutes: number[] = []
  let [ms, falseStuck, falseLoops, foundLoops, quiet] = [0, 0, 0, 0, 0]
  for (const run of runs) {
    const observer = observe(run)
    let from = 0
    let hasLooped = false
    /** When the calls ended, by the number of activities before. */
    const ends: Array<readonly [seq: number, at: number]> = []
    let seq = 0
    for (const event of run.events) {
      const [at, kind, counts] = event
      if (counts === 1) {
        ms += at - from
        silences.push({ run, from, ms: at - from })
        const states = new Set<string>()
        for (let time = from + LOOK_MS; time < at; time += LOOK_MS) {
          states.add(observer.healthAt(START + time, ALIVE).state)
        }
        if (states.has('stuck')) {
          falseStuck++
          alarms.push({ minutes: Math.round((at - from) / 60_000), tool: toolAt(run, from) })
        }
        if (states.has('quiet')) quiet++
      }
      if (kind !== 'B') from = at
      const activity = activityOf(event)
      if (activity === undefined) continue
      observer.activity(activity)
      seq++
      if (kind === 'E') ends.push([seq, at])
      const { state, loop } = observer.healthAt(START + at, ALIVE)
      if (state !== 'looping' || loop === undefined || hasLooped) continue
      hasLooped = true
      const third = ends.filter(([ended]) => ended > loop.sinceSeq)[3 * loop.calls - 1]?.[1] ?? at
      if (run.loops === true) loopMinutes.push((at - third) / 60_000)
    }
    if (hasLooped) run.loops === true ? foundLoops++ : falseLoops++
  }
  const hangMinutes = Array.from({ length: hangs }, () => minutesToStuck(pick(silences, random), observe))
  hangMinutes.sort((a, b) => a - b)
  const known = knownSilences(runs, silences)
  const knownMinutes = known.map((silence) => minutesToStuck(silence, observe)).sort((a, b) => a - b)
  const found = { hangMinutes, knownMinutes, loopMinutes }
  return { hours: ms / 3_600_000, falseStuck, falseLoops, foundLoops, quiet, alarms, ...found }
}

/** Those in a command that its project has run ten times or more without being cut off, one of each command. */
function knownSilences (runs: readonly RecordedRun[], silences: readonly Silence[]): Silence[] {
  const counts = new Map<string, number>()
  for (const { project, events } of runs) {
    const open = new Map<unknown, string>()
    for (const [, kind, , ...rest] of events) {
      if (kind === 'C' && isCommand(rest)) open.set(rest[0], `${project} ${String(rest[3])}`)
      const key = kind === 'E' && (rest[1] === 'ok' || rest[1] === 'error') ? open.get(rest[0]) : undefined
      if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + 1)
    }
  }
  const known = new Map<string, Silence>()
  for (const silence of silences) {
    const call = callAt(silence.run, silence.from)
    if (call === undefined || !isCommand(call)) continue
    const key = `${silence.run.project} ${String(call[3])}`
    if ((counts.get(key) ?? 0) >= 10) known.set(key, silence)
  }
  return [...known.values()]
}

function isCommand ([, kind, , , , sleepS, background]: readonly unknown[]): boolean {
  return (kind === 'shell' || kind === 'build') && sleepS === 0 && background === 0
}

/** The one call that is open then; undefined where none or several are. */
function callAt ({ events }: RecordedRun, at: number): readonly unknown[] | undefined {
  const open = new Map<unknown, readonly unknown[]>()
  for (const [time, kind, , ...rest] of events) {
    if (time > at) break
    if (kind === 'C') open.set(rest[0], rest)
    if (kind === 'E') open.delete(rest[0])
  }
  return open.size === 1 ? [...open.values()][0] : undefined
}

function toolAt (run: RecordedRun, at: number): string {
  const call = callAt(run, at)
  return call === undefined ? 'think' : `${String(call[1])} ${String(call[2])}`.trim()
}

function pick (silences: readonly Silence[], random: () => number): Silence {
  const weight = ({ ms }: Silence) => Math.min(ms, 600_000)
  let left = random() * silences.reduce((sum, silence) => sum + weight(silence), 0)
  return silences.find((silence) => (left -= weight(silence)) <= 0) ?? silences[0]!
}

function minutesToStuck ({ run, from }: Silence, observe: (run: RecordedRun) => RunObserver): number {
  const observer = observe(run)
  for (const event of run.events) {
    if (event[0] > from) break
    const activity = activityOf(event)
    if (activity !== undefined) observer.activity(activity)
  }
  for (let ms = LOOK_MS; ms <= HANG_MS; ms += 15_000) {
    if (observer.healthAt(START + from + ms, ALIVE).state === 'stuck') return ms / 60_000
  }
  return Infinity
}
