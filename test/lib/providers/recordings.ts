import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { InvocationActivity, InvocationResult } from '../../../lib/model/activity.js'
import { createActivityLog } from '../../../lib/providers/activity-log.js'
import type { AgentCall, CliAdapter } from '../../../lib/providers/adapter.js'
import { finish } from '../../../lib/providers/agent.js'
import { createLineSplitter } from '../../../lib/providers/process/lines.js'

export const transcripts = new URL('../../fixtures/transcripts/', import.meta.url).pathname

/** One recorded run. */
export interface Recording {
  readonly name: string
  readonly file: string
  readonly stdout: Buffer
  readonly stderr: Buffer
  readonly exitCode: number | null
  readonly signal: string | null
}

/** The recordings of a CLI, for example `claude-2.1.330`. */
export function recordingsOf (cli: string, suffix = '.stdout.ndjson'): Recording[] {
  const names = readdirSync(join(transcripts, cli)).filter((name) => name.endsWith(suffix))
  return names.map((name) => recording(cli, name.slice(0, -suffix.length), suffix))
}

export function recording (cli: string, name: string, suffix = '.stdout.ndjson'): Recording {
  const base = join(transcripts, cli, name)
  const meta = JSON.parse(readFileSync(`${base}.meta.json`, 'utf8')) as { exit_code: number | null, signal: string | null }
  const stderr = existsSync(`${base}.stderr.txt`) ? readFileSync(`${base}.stderr.txt`) : Buffer.alloc(0)
  const file = `${base}${suffix}`
  return { name, file, stdout: readFileSync(file), stderr, exitCode: meta.exit_code, signal: meta.signal }
}

/** What an adapter makes of a run. */
export interface Reading {
  readonly activities: InvocationActivity[]
  readonly result: InvocationResult
  readonly warnings: string[]
}

/**
 * Gives a recording to an adapter, without a process. The clock stands still, so that only the bytes matter.
 *
 * @param cuts where the bytes of stdout are cut into chunks
 */
export function read<State> (
  adapter: CliAdapter<State>, { stdout, stderr, exitCode, signal }: Omit<Recording, 'name' | 'file'>,
  { cuts = [], call = {} }: { cuts?: readonly number[], call?: Partial<AgentCall> } = {}
): Reading {
  const activities: InvocationActivity[] = []
  const warnings: string[] = []
  const log = createActivityLog({
    onActivity: (activity) => { activities.push(activity) },
    warn: (message) => { warnings.push(message) },
    clock: () => Date.UTC(2026, 0, 1),
    monotonicClock: () => 0
  })
  const state = adapter.start(call)
  for (const [bytes, line] of [[stderr, adapter.errorLine], [stdout, adapter.line]] as const) {
    const splitter = createLineSplitter()
    let from = 0
    for (const cut of [...(bytes === stdout ? cuts : []), bytes.length]) {
      for (const whole of splitter.push(bytes.subarray(from, cut))) line?.call(adapter, whole, state, log)
      from = cut
    }
    const last = splitter.end()
    if (last !== undefined) line?.call(adapter, last, state, log)
  }
  const end = { exitCode, signal, durationMs: 0, stderrTail: stderr.subarray(-8192).toString(), survivors: [] }
  const result = finish(adapter.verdict(state, end), end, log, {})
  return { activities, result, warnings }
}

/** Tool calls as one sees them in activities. */
export function toolCalls (activities: readonly InvocationActivity[]): Record<'started' | 'ended' | 'failed' | 'aborted', number> {
  const tools = activities.filter(({ type }) => type === 'tool_exec').map(({ metadata }) => metadata!)
  const ends = tools.filter(({ phase }) => phase === 'end')
  return {
    started: tools.filter(({ phase }) => phase === 'start').length,
    ended: ends.length,
    failed: ends.filter(({ status }) => status === 'error' || status === 'denied').length,
    aborted: ends.filter(({ status }) => status === 'aborted').length
  }
}

/** Positions to cut at: a few dozen, reproducible by the seed. */
export function cutsOf (length: number, seed: number): number[] {
  let state = seed >>> 0 || 1
  const next = (): number => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) / 2 ** 32
  }
  const count = 1 + Math.floor(next() * 40)
  return Array.from({ length: count }, () => Math.floor(next() * (length + 1))).sort((a, b) => a - b)
}
