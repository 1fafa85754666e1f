import { toIso, type Clock } from '../time/clock.js'
import type { ErrorCode } from '../errors.js'
import { codedError, DATABASE_ERROR_CODES } from '../store/store-error.js'
import { performance } from '../time/timers.js'

/** Why a database cannot be read, and since when. */
export interface Trouble {
  readonly code: ErrorCode
  /** ISO-8601. */
  readonly since: string
}

/** A file that is put in another's place is away for a moment. */
const GRACE_MS = 200

/** Whether a database can be read, from what those meet who read it all the time; one per database. */
export class ReadTrouble {
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()
  /** Since when each of them has met nothing but errors, by the monotonic clock. */
  readonly #failing = new Map<object, number>()
  #beganAtMs = 0
  #current: Trouble | undefined

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Undefined while everything can be read. */
  get current (): Trouble | undefined {
    return this.#current
  }

  /** @returns how to stop */
  onChange (listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => { this.#listeners.delete(listener) }
  }

  /** A read of this reader's failed, and will be tried again. */
  failed (reader: object, error: unknown): void {
    const { code } = codedError(error)
    if (!DATABASE_ERROR_CODES.some((known) => known === code)) return
    const nowMs = performance.now()
    if (this.#failing.size === 0) this.#beganAtMs = this.#clock()
    const sinceMs = this.#failing.get(reader) ?? nowMs
    this.#failing.set(reader, sinceMs)
    // A lock has been waited for before it is an error.
    const isLasting = code === 'AGENT_TIMELINE_DATABASE_LOCKED' || nowMs - sinceMs >= GRACE_MS
    if (this.#current === undefined && isLasting) this.#change({ code, since: toIso(this.#beganAtMs) })
  }

  /** A read of this reader's worked, or it reads no more. */
  worked (reader: object): void {
    if (this.#failing.delete(reader) && this.#failing.size === 0) this.#change(undefined)
  }

  #change (current: Trouble | undefined): void {
    if (current === this.#current) return
    this.#current = current
    for (const listener of [...this.#listeners]) listener()
  }
}
