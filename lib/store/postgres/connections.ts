import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult } from 'kysely'
import { clearTimeout, setTimeout } from '../../time/timers.js'
import type { Tables } from '../tables.js'
import type { PgConfig, PgLibrary, PgPool, PgPoolClient, PgSoleClient } from './pg.js'
import { ConnectionLost, sqlState } from './postgres-error.js'
import { TYPES, ValuesPlugin } from './values.js'

/** The connections of one store to its server. */
export interface PostgresConnections {
  /** Names the database in the log, without anything secret. */
  readonly path: string
  /** For transactions that write: those who read many things at once do not keep them waiting. */
  readonly writer: Kysely<Tables>
  readonly reader: Kysely<Tables>
  /** A connection of its own, for who listens; undefined where the host's Kysely is all there is. */
  readonly createListener: (() => PgSoleClient) | undefined
  close (): Promise<void>
}

/** One writes the batches, the others do what goes on beside them. */
const WRITERS = 3
const READERS = 4
/** How long a connection may take, in milliseconds. */
const CONNECT_MS = 5_000
/** A statement that has had no answer for so long will have none, in milliseconds. */
const QUERY_MS = 30_000

/**
 * What a transaction of ours waits for at most. Shorter than the second after which a server looks for deadlocks: it is
 * ours that gives way then, and never the host's.
 */
export const TRANSACTION_LIMITS = { lock_timeout: '500ms', statement_timeout: '20s', idle_in_transaction_session_timeout: '20s' } as const

/** Connections of our own: what a host does with its pool, an open transaction for one, is none of our business. */
export function connectPools ({ Pool, Client }: PgLibrary, config: PgConfig, path: string): PostgresConnections {
  const common = {
    application_name: 'fastify-agent-timeline', ...config, connectionTimeoutMillis: CONNECT_MS, keepAlive: true
  }
  const open = (max: number) => new Pool({
    ...common, query_timeout: QUERY_MS, min: 0, max, idleTimeoutMillis: 30_000, allowExitOnIdle: true
  })
  const [writers, readers] = [open(WRITERS), open(READERS)]
  return {
    path,
    writer: kyselyOn(writers),
    reader: kyselyOn(readers),
    createListener: () => new Client(common),
    close: () => untilEnded(Promise.all([writers.end(), readers.end()]))
  }
}

/** A server that does not answer is not waited for, in milliseconds. */
const ENDING_MS = 1_000

/**
 * Waits for the end of connections. Those that nobody uses do not keep a process alive; whoever waits for them must not
 * be left waiting.
 */
export async function untilEnded (ending: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const enough = new Promise((resolve) => { timer = setTimeout(resolve, ENDING_MS) })
  await Promise.race([ending, enough]).finally(() => clearTimeout(timer))
}

/** A Kysely of the host's: its connections are all that we can have. */
export function connectKysely (kysely: Kysely<any>, path: string): PostgresConnections {
  const db = kysely.withPlugin(new ValuesPlugin()) as Kysely<Tables>
  return { path, writer: db, reader: db, createListener: undefined, close: async () => {} }
}

function kyselyOn (pool: PgPool): Kysely<Tables> {
  // One that breaks is replaced when somebody wants one, and whoever uses it is told by its query.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new SafePool(pool) as unknown as PostgresPool }) })
}

class SafePool {
  readonly #pool: PgPool

  constructor (pool: PgPool) {
    this.#pool = pool
  }

  async connect (): Promise<PostgresPoolClient> {
    try {
      return new SafeClient(await this.#pool.connect()) as unknown as PostgresPoolClient
    } catch (error) {
      throw sqlState(error) === '' ? new ConnectionLost(error) : error
    }
  }

  end (): Promise<void> {
    return this.#pool.end()
  }
}

const LIMITS = Object.entries(TRANSACTION_LIMITS).map(([name, value]) => `SET LOCAL ${name} = '${value}'`).join('; ')
/** What a database or role has as its default is the host's business. */
const BEGIN = `BEGIN ISOLATION LEVEL READ COMMITTED; ${LIMITS}`

/** A client that is used until an error says that it may be broken; it goes back to the pool only while it is whole. */
class SafeClient {
  readonly #client: PgPoolClient
  #isBroken = false

  constructor (client: PgPoolClient) {
    this.#client = client
  }

  async query (text: string, values: readonly unknown[]): Promise<PostgresQueryResult<any>> {
    if (this.#isBroken) throw new ConnectionLost(new Error('the connection is broken'))
    try {
      const found = await this.#client.query({ text: text === 'begin' ? BEGIN : text, values, types: TYPES })
      return (Array.isArray(found) ? found.at(-1) : found) as unknown as PostgresQueryResult<any>
    } catch (error) {
      if (sqlState(error) !== '') throw error
      this.#isBroken = true
      throw new ConnectionLost(error)
    }
  }

  release (): void {
    this.#client.release(this.#isBroken)
  }
}
