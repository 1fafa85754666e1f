import type { TreeSample } from '../model/health.js'
import { parseObject } from '../text/parse-object.js'

export type { TreeSample }

/** `busy`: it works; `gone`: nothing of it is left; `idle`: it is there and does nothing. */
export type TreeSign = 'busy' | 'gone' | 'idle' | 'unknown'

/** A sample, and what those before it have shown. Times are milliseconds of the samples' clock. */
export interface WatchedTree {
  readonly sample: TreeSample
  /** When it was seen at work last; undefined where it never was. */
  readonly busyAt?: number
  /** Since when nothing of it was left. */
  readonly goneSince?: number
  /** It is the only one: whether anything goes on is not known. */
  readonly isFirst: boolean
}

/** An idle program's timers take some processor time, too. */
const BUSY_CPU_SHARE = 0.01
const BUSY_IO_BYTES = 1_024
/** What was seen working counts as working for so long; samples come every 10 s. */
const BUSY_FOR_MS = 60_000
/** An agent takes a moment to tell the end of a command. */
const GONE_AFTER_MS = 60_000

/** Takes the next sample in; an older one than the last changes nothing. */
export function watchTree (before: WatchedTree | undefined, sample: TreeSample): WatchedTree {
  if (before === undefined) {
    return { sample, isFirst: true, ...(sample.processes > 0 ? {} : { goneSince: sample.sampledAt }) }
  }
  const { sample: last } = before
  if (sample.sampledAt <= last.sampledAt) return before
  // Sums shrink when a process of many has ended.
  const isAtWork = sample.cpuMs - last.cpuMs >= BUSY_CPU_SHARE * (sample.sampledAt - last.sampledAt) ||
    sample.ioBytes - last.ioBytes >= BUSY_IO_BYTES
  const isGone = sample.processes === 0 && !isAtWork
  const isBusy = isAtWork || (sample.processes > 0 && sample.processes !== last.processes)
  const busyAt = isBusy ? sample.sampledAt : before.busyAt
  return {
    sample,
    isFirst: false,
    ...(busyAt === undefined ? {} : { busyAt }),
    ...(isGone ? { goneSince: before.goneSince ?? sample.sampledAt } : {})
  }
}

export function treeSign (tree: WatchedTree | undefined, now: number): TreeSign {
  if (tree === undefined) return 'unknown'
  const { busyAt = -Infinity, goneSince, isFirst } = tree
  if (goneSince !== undefined) return now - goneSince >= GONE_AFTER_MS ? 'gone' : 'unknown'
  if (now - busyAt <= BUSY_FOR_MS) return 'busy'
  return isFirst ? 'unknown' : 'idle'
}

/** When {@link treeSign} may say something else without another sample; undefined where it will not. */
export function treeHoldsUntil ({ busyAt, goneSince }: WatchedTree): number | undefined {
  if (goneSince !== undefined) return goneSince + GONE_AFTER_MS
  return busyAt === undefined ? undefined : busyAt + BUSY_FOR_MS
}

/** The same on a clock that is ahead by so many milliseconds. */
export function moveTree (tree: WatchedTree, byMs: number): WatchedTree {
  const { busyAt, goneSince } = tree
  return {
    ...tree,
    ...(busyAt === undefined ? {} : { busyAt: busyAt + byMs }),
    ...(goneSince === undefined ? {} : { goneSince: goneSince + byMs })
  }
}

/** What is stored of it. */
export function encodeTree ({ sample, busyAt, goneSince, isFirst }: WatchedTree): string {
  return JSON.stringify({ ...sample, busyAt, goneSince, isFirst })
}

/** Undefined for anything else than {@link encodeTree} wrote. */
export function decodeTree (json: string | null): WatchedTree | undefined {
  const read = json === null ? undefined : parseObject(json)
  if (read === undefined) return undefined
  const { processes, cpuMs, ioBytes, sampledAt, busyAt, goneSince, isFirst } = read
  if (![processes, cpuMs, ioBytes, sampledAt].every(Number.isFinite)) return undefined
  return {
    sample: { processes, cpuMs, ioBytes, sampledAt } as TreeSample,
    isFirst: isFirst !== false,
    ...(Number.isFinite(busyAt) ? { busyAt: busyAt as number } : {}),
    ...(Number.isFinite(goneSince) ? { goneSince: goneSince as number } : {})
  }
}
