/** A part of a task's time and where it is drawn, as shares of the whole. */
export interface Piece {
  readonly fromMs: number
  readonly toMs: number
  readonly from: number
  readonly to: number
  /** Nothing ran for so long that it is drawn shorter than it was. */
  readonly isIdle: boolean
}

/** An idle stretch longer than this share of the busy time is drawn as long as it. */
const MAX_IDLE_SHARE = 0.08

/** Linear time, in which long idle stretches are cut short. */
export class TimeScale {
  readonly pieces: readonly Piece[]

  /** @param spans when something ran, in milliseconds; at least one */
  constructor (spans: ReadonlyArray<{ readonly fromMs: number, readonly toMs: number }>) {
    const busy: Array<{ fromMs: number, toMs: number }> = []
    for (const { fromMs, toMs } of [...spans].sort((a, b) => a.fromMs - b.fromMs)) {
      const last = busy.at(-1)
      if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs)
      else busy.push({ fromMs, toMs })
    }
    const busyMs = Math.max(1000, busy.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0))
    const parts: Array<{ fromMs: number, toMs: number, weight: number, isIdle: boolean }> = []
    for (const { fromMs, toMs } of busy) {
      const before = parts.at(-1)
      if (before !== undefined) {
        const idleMs = fromMs - before.toMs
        const isIdle = idleMs > busyMs * MAX_IDLE_SHARE
        parts.push({ fromMs: before.toMs, toMs: fromMs, weight: isIdle ? busyMs * MAX_IDLE_SHARE : idleMs, isIdle })
      }
      parts.push({ fromMs, toMs: Math.max(toMs, fromMs + 1), weight: Math.max(1, toMs - fromMs), isIdle: false })
    }
    const total = parts.reduce((sum, { weight }) => sum + weight, 0)
    let from = 0
    this.pieces = parts.map(({ weight, ...part }) => {
      const piece = { ...part, from, to: from + weight / total }
      from = piece.to
      return piece
    })
  }

  /** Where a moment is drawn, from 0 to 1. */
  place (ms: number): number {
    const piece = this.pieces.find(({ toMs }) => ms <= toMs) ?? this.pieces.at(-1)!
    const { fromMs, toMs, from, to } = piece
    return Math.min(1, Math.max(0, from + (ms - fromMs) / (toMs - fromMs) * (to - from)))
  }

  /** The moment that is drawn at a place. */
  at (place: number): number {
    const { fromMs, toMs, from, to } = this.pieces.find((piece) => place <= piece.to) ?? this.pieces.at(-1)!
    return fromMs + (to > from ? Math.min(1, Math.max(0, (place - from) / (to - from))) : 0) * (toMs - fromMs)
  }

  /** Round moments, at most so many, none in an idle stretch. */
  ticks (most: number): number[] {
    const { pieces } = this
    const shownMs = pieces.reduce((sum, { fromMs, toMs, isIdle }) => sum + (isIdle ? 0 : toMs - fromMs), 0)
    const stepMs = STEPS_MS.find((step) => shownMs / step <= most) ?? Math.ceil(shownMs / most / DAY_MS) * DAY_MS
    const offsetMs = new Date(pieces[0]!.fromMs).getTimezoneOffset() * 60_000
    const ticks: number[] = []
    for (const { fromMs, toMs, isIdle } of pieces) {
      if (isIdle) continue
      for (let ms = Math.ceil((fromMs - offsetMs) / stepMs) * stepMs + offsetMs; ms < toMs; ms += stepMs) {
        if (ms >= fromMs && this.place(ms) - this.place(ticks.at(-1) ?? -Infinity) > 0.5 / most) ticks.push(ms)
      }
    }
    return ticks
  }
}

const DAY_MS = 86_400_000
const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200
].map((seconds) => seconds * 1000)
