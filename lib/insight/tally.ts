import { USAGE_KINDS, type ToolKind, type Usage } from '../model/activity.js'
import type { CallEndStatus } from '../model/activity-facts.js'
import { openKinds, type Progress } from './progress.js'

/** What a run has done so far, in numbers that its next activity adds to. Times are milliseconds. */
export interface RunTally {
  /** Up to when its time is counted, in milliseconds since the epoch. */
  at: number
  calls: number
  /** Those that ended with an error or were not allowed. */
  failed: number
  thinkingMs: number
  waitingMs: number
  personMs: number
  /** By kind of tool: calls, those that failed, milliseconds. */
  readonly kinds: Partial<Record<ToolKind, KindTally>>
  /** Activities in each of its last minutes: the number of the last one since the epoch, and the counts up to it. */
  readonly recent: { minute: number, counts: number[] }
}

/** Of so many minutes activities are counted one by one. */
export const RECENT_MINUTES = 30
const MINUTE_MS = 60_000

export type KindTally = [calls: number, failed: number, ms: number]

/** What a run spends its time with. Of several things at once the first of these counts: times add up to the whole. */
export type Pastime = 'person' | 'waiting' | 'thinking' | { readonly tool: ToolKind }

export function createTally (startedAt: number): RunTally {
  const recent = { minute: 0, counts: [] }
  return { at: startedAt, calls: 0, failed: 0, thinkingMs: 0, waitingMs: 0, personMs: 0, kinds: {}, recent }
}

/** A copy that can go on by itself. */
export function copyTally (tally: RunTally): RunTally {
  const kinds = Object.fromEntries(Object.entries(tally.kinds).map(([kind, counts]) => [kind, [...counts]]))
  return { ...tally, kinds, recent: { minute: tally.recent.minute, counts: [...tally.recent.counts] } }
}

/** Counts the time since it was called last to what the run was doing: `progress` is what it was in the middle of. */
export function spendUntil (tally: RunTally, progress: Progress, at: number): void {
  const ms = at - tally.at
  if (!(ms > 0)) return
  tally.at = at
  const pastime = pastimeOf(progress)
  if (typeof pastime === 'object') kindOf(tally, pastime.tool)[2] += ms
  else if (pastime === 'person') tally.personMs += ms
  else if (pastime === 'waiting') tally.waitingMs += ms
  else tally.thinkingMs += ms
}

export function countCall (tally: RunTally, kind: ToolKind): void {
  tally.calls++
  kindOf(tally, kind)[0]++
}

export function countEnd (tally: RunTally, kind: ToolKind, status: CallEndStatus): void {
  if (!isFailed(status)) return
  tally.failed++
  kindOf(tally, kind)[1]++
}

/** Counts an activity of that time in its minute; one that is older than all of these is left out. */
export function countRecent ({ recent }: RunTally, at: number): void {
  const minute = Math.floor(at / MINUTE_MS)
  if (minute > recent.minute) {
    const gap = Math.min(minute - recent.minute, RECENT_MINUTES)
    for (let passed = 0; passed < gap; passed++) recent.counts.push(0)
    recent.counts.splice(0, recent.counts.length - RECENT_MINUTES)
    recent.minute = minute
  }
  const place = recent.counts.length - 1 - (recent.minute - minute)
  if (place >= 0) recent.counts[place] = (recent.counts[place] ?? 0) + 1
}

/** What several runs did in each of the last minutes up to a time, the current one last. */
export function sumRecent (tallies: ReadonlyArray<Pick<RunTally, 'recent'>>, now: number): number[] {
  const last = Math.floor(now / MINUTE_MS)
  const sums = new Array<number>(RECENT_MINUTES).fill(0)
  for (const { recent: { minute, counts } } of tallies) {
    for (const [index, count] of counts.entries()) {
      const place = RECENT_MINUTES - 1 - (last - minute) - (counts.length - 1 - index)
      if (place >= 0 && place < RECENT_MINUTES) sums[place] = (sums[place] ?? 0) + count
    }
  }
  return sums
}

/** `aborted` is how its run ended, and no failure of the call. */
export function isFailed (status: string): boolean {
  return status === 'error' || status === 'denied'
}

function kindOf ({ kinds }: RunTally, kind: ToolKind): KindTally {
  const counts = kinds[kind] ?? [0, 0, 0]
  kinds[kind] = counts
  return counts
}

/** A person before a wait, before a tool, before thinking. Of several tools the one that started last counts. */
export function pastimeOf (progress: Progress): Pastime {
  const { waiting } = progress
  const kinds = openKinds(progress)
  if (waiting?.kind === 'person' || kinds.includes('person')) return 'person'
  if (waiting !== undefined) return 'waiting'
  // What a sub-agent does says more than that there is one.
  const tool = kinds.findLast((kind) => kind !== 'agent') ?? kinds[0]
  return tool === undefined ? 'thinking' : { tool }
}

/** As it is stored. */
export function encodeTally (tally: RunTally): string {
  return JSON.stringify(tally)
}

/** Reads what {@link encodeTally} wrote; of anything else an empty one. */
export function decodeTally (json: string | null, startedAt: number): RunTally {
  const empty = createTally(startedAt)
  try {
    const read = JSON.parse(json ?? 'null') as Partial<RunTally> | null
    if (typeof read !== 'object' || read === null) return empty
    const kinds = Object.entries(read.kinds ?? {})
      .filter(([, counts]) => Array.isArray(counts) && counts.every(Number.isFinite))
    for (const name of ['at', 'calls', 'failed', 'thinkingMs', 'waitingMs', 'personMs'] as const) {
      if (Number.isFinite(read[name])) empty[name] = read[name] as number
    }
    const { minute, counts } = read.recent ?? {}
    const isRecent = Number.isInteger(minute) && Array.isArray(counts) && counts.every(Number.isInteger)
    const recent = isRecent ? { minute: minute as number, counts: counts.slice(-RECENT_MINUTES) } : empty.recent
    return { ...empty, kinds: Object.fromEntries(kinds), recent }
  } catch {
    return empty
  }
}

/** Numbers that anybody may have put there, as usage; undefined where none of them is one. */
export function readUsage (value: unknown): Partial<Usage> | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const known = USAGE_KINDS.flatMap((name) => {
    const count = (value as Record<string, unknown>)[name]
    return typeof count === 'number' && Number.isFinite(count) && count >= 0 ? [[name, count] as const] : []
  })
  return known.length === 0 ? undefined : Object.fromEntries(known)
}
