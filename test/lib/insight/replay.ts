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

export function readRuns (): RecordedRun[] {
  const text = gunzipSync(readFileSync(new URL('../../fixtures/runs/runs.ndjson.gz', import.meta.url))).toString()
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
  let [ms, falseStuck, falseLoops, foundLoops, quiet] = [0, 0, 0, 0, 0]
  for (const run of runs) {
    const observer = observe(run)
    let from = 0
    let hasLooped = false
    for (const event of run.events) {
      const [at, kind, counts] = event
      if (counts === 1) {
        ms += at - from
        silences.push({ run, from, ms: at - from })
        const states = new Set<string>()
        for (let time = from + LOOK_MS; time < at; time += LOOK_MS) {
          states.add(observer.healthAt(START + time, ALIVE).state)
        }
        if (states.has('stuck')) falseStuck++
        if (states.has('quiet')) quiet++
      }
      if (kind !== 'B') from = at
      const activity = activityOf(event)
      if (activity === undefined) continue
      observer.activity(activity)
      if (observer.healthAt(START + at, ALIVE).state === 'looping') hasLooped = true
    }
    if (hasLooped) run.loops === true ? foundLoops++ : falseLoops++
  }
  const hangMinutes = Array.from({ length: hangs }, () => minutesToStuck(pick(silences, random), observe))
  hangMinutes.sort((a, b) => a - b)
  return { hours: ms / 3_600_000, falseStuck, falseLoops, foundLoops, quiet, hangMinutes }
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
