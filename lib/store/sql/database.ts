import type { Kysely } from 'kysely'
import type { TimelineError } from '../../errors.js'
import type { HostRows } from '../host-rows.js'
import type { BatchOutcome } from '../port.js'
import type { Tables } from '../tables.js'

/** One database, as the queries see it that every engine runs. */
export interface Database {
  /** Names it in the log; empty for one in memory. */
  readonly path: string
  readonly host: HostRows
  /** How often opening found the lock taken by somebody else. */
  readonly lockRetries: number
  /** How often another database was found in the place of the open one. */
  readonly reopenings: number
  /** Opening has added what migration 010 adds. */
  readonly wasMigrated: boolean
  /**
   * Runs work in a transaction that writes. Errors come out as the engine threw them.
   *
   * @param patienceMs how long it is tried again while somebody else has the lock; default 0
   */
  write<T> (work: (trx: Kysely<Tables>, host: HostRows) => Promise<T>, patienceMs?: number): Promise<T>
  /** How long to wait before the lock is asked for again, in milliseconds. */
  lockPause (): Promise<number>
  /** Runs queries, repeating them while the database is locked. @throws a coded error */
  read<T> (query: (db: Kysely<Tables>, host: HostRows) => Promise<T>): Promise<T>
  /** Looks at the tables again and restores what a rebuild of the host's took. */
  repair (): Promise<void>
  /** Same, if any table was made, altered or dropped. @returns whether one was since the last call */
  repairIfChanged (): Promise<boolean>
  /** Bytes of the database that hold something. */
  usedBytes (): Promise<number>
  /** Whether the same may succeed a moment later, because somebody else has the lock. */
  isBusy (error: unknown): boolean
  /** Whether an error, coded or not, is the database's: not that of a host's own code. */
  isOfDatabase (error: unknown): boolean
  /**
   * What leaves the engine's room: coded, with what may be made of it.
   *
   * @param outcome of the batch whose commit failed
   */
  storeError (error: unknown, outcome?: BatchOutcome): TimelineError
  /** Releases the database. With `written`, reading ends at once and the rest follows in the background after it. */
  close (written?: Promise<void>): Promise<void>
}

/** How long opening may take while others keep the lock, those who migrate among them. */
export interface OpeningLimits {
  /** For each of its steps, in milliseconds. Default 60,000. */
  readonly patienceMs?: number
  /** Ends the waiting, with AGENT_TIMELINE_CLOSED. */
  readonly signal?: AbortSignal
}
