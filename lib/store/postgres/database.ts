import { sql, type Kysely } from 'kysely'
import { up } from '../../../migrations/010_invocation_lifecycle.js'
import { hasTrigger } from '../../../migrations/catalog.js'
import { OWN_TABLES, TRIGGERS } from '../../../migrations/statements.js'
import { debug } from '../../debug.js'
import { timelineError } from '../../errors.js'
import { noMeter, type Meter } from '../../meter.js'
import { performance, setTimeout } from '../../time/timers.js'
import { lockStreams } from '../dialect.js'
import type { HostRows, HostSchema, OpenHost } from '../host-rows.js'
import { ensureStream } from '../sequence.js'
import type { Database, OpeningLimits } from '../sql/database.js'
import { inspectHost } from '../sql/host-schema.js'
import { createTryPart } from '../sql/savepoint.js'
import type { Tables } from '../tables.js'
import { TRANSACTION_LIMITS, type PostgresConnections } from './connections.js'
import {
  databaseError, isBusy, isConnectionError, isOfDatabase, isRefusal, isSchemaChange, isUnstorable, storeError
} from './postgres-error.js'

/** The oldest server that has what we use. */
const LEAST_VERSION = 14
/** Between two attempts to get a lock, in milliseconds: the least and the most. */
const PAUSE_MS = [5, 40] as const
/** How long a read goes on trying while there is a lock, in milliseconds. */
const READ_PATIENCE_MS = 1_000

export interface PostgresOptions {
  readonly connections: PostgresConnections
  readonly migrate: boolean
  readonly openHost: OpenHost
  readonly meter?: Meter | undefined
  readonly opening?: OpeningLimits | undefined
}

/**
 * Gets to know a database on a server, and sets it up where that is wanted.
 *
 * @throws AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_UNSUPPORTED_DATABASE, AGENT_TIMELINE_DATABASE_*
 */
export async function openPostgres (options: PostgresOptions): Promise<Database> {
  const { connections, meter = noMeter, opening: { patienceMs: openingMs = 60_000, signal } = {} } = options
  const { reader, writer, path } = connections
  let lockRetries = 0
  let wasMigrated = false
  let wasRepaired = false
  let isClosing = false
  let isClosed = false
  let mark: string | undefined

  /** Repeats what a lock kept from its end; what was begun is undone by then. */
  async function patiently<T> (work: () => Promise<T>, patienceMs: number, onRetry: () => void): Promise<T> {
    const deadline = performance.now() + patienceMs
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!isBusy(error)) throw error
        onRetry()
        if (performance.now() > deadline) throw error
        if (signal?.aborted === true) throw timelineError('AGENT_TIMELINE_CLOSED', [], error)
        const pauseMs = pause()
        await new Promise((resolve) => setTimeout(resolve, pauseMs))
      }
    }
  }

  /** Whoever has begun it has it to its end, on one connection: none is put in its place. */
  function begin<T> (work: (trx: Kysely<Tables>) => Promise<T>): Promise<T> {
    return writer.transaction().execute(async (trx) => {
      if (connections.createListener === undefined) await limit(trx)
      return work(trx)
    })
  }

  async function prepare (): Promise<HostRows> {
    const opening = <T>(work: () => Promise<T>) => patiently(work, openingMs, () => { lockRetries++ })
    let schema = await inspectHost(reader)
    const isNew = schema.isEmpty || schema.isMigrated
    if (schema.missing.length > 0 && !isNew && !options.migrate) {
      throw timelineError('AGENT_TIMELINE_NOT_MIGRATED', [schema.missing.join(', ')])
    }
    if (schema.missing.length > 0 || !(await hasTriggers(reader, schema))) {
      wasMigrated ||= schema.missing.length > 0
      await opening(() => begin((trx) => up(trx)))
      schema = await inspectHost(reader)
    }
    mark = await schemaMarkOf(reader)
    return alone(await options.openHost(reader, schema, createTryPart(isRefusal)))
  }

  let host: HostRows
  try {
    await check(reader)
    host = await prepare()
  } catch (error) {
    throw databaseError(error)
  }

  async function repair (): Promise<void> {
    if (isClosed) throw timelineError('AGENT_TIMELINE_CLOSED')
    host = await prepare()
    wasRepaired = true
  }

  async function attempt<T> (work: (trx: Kysely<Tables>, host: HostRows) => Promise<T>): Promise<T> {
    if (isClosed) throw timelineError('AGENT_TIMELINE_CLOSED')
    return begin((trx) => work(trx, host))
  }

  function tellLock (): void {
    debug.store('%s: the lock is taken', path)
    meter.lockMet()
  }

  return {
    path,
    get host () { return host },
    get lockRetries () { return lockRetries },
    reopenings: 0,
    get wasMigrated () { return wasMigrated },
    repair,
    // What is deleted stays part of the files: of them nobody could tell when enough has gone.
    usedBytes: async () => 0,
    isBusy,
    isOfDatabase,
    storeError,

    async repairIfChanged () {
      if (await schemaMarkOf(reader) !== mark) await repair()
      const changed = wasRepaired
      wasRepaired = false
      return changed
    },

    lockPause: async () => pause(),

    write: (work, patienceMs = 0) => patiently(() => attempt(work), patienceMs, tellLock),

    async read (query) {
      const ask = () => {
        if (isClosing) throw timelineError('AGENT_TIMELINE_CLOSED')
        return query(reader, host)
      }
      try {
        return await patiently(ask, READ_PATIENCE_MS, tellLock).catch(async (error) => {
          // A connection that broke while it was idle says so only when it is used.
          if (isConnectionError(error)) return ask()
          if (!isSchemaChange(error)) throw error
          await repair()
          return ask()
        })
      } catch (error) {
        if (isUnstorable(error)) throw timelineError('AGENT_TIMELINE_INVALID_REQUEST', ['no row can have such a value'], error)
        throw databaseError(error)
      }
    },

    async close (written) {
      isClosing = true
      const release = async () => {
        isClosed = true
        await connections.close()
      }
      if (written === undefined) await release()
      else written.then(release).catch(() => {})
    }
  }
}

function pause (): number {
  return PAUSE_MS[0] + Math.random() * (PAUSE_MS[1] - PAUSE_MS[0])
}

/** On a connection of the host's, for the transaction only. */
async function limit (trx: Kysely<Tables>): Promise<void> {
  const settings = Object.entries(TRANSACTION_LIMITS).map(([name, value]) => sql`set_config(${name}, ${value}, true)`)
  await sql`SELECT ${sql.join(settings)}`.execute(trx)
}

async function check (db: Kysely<Tables>): Promise<void> {
  const { rows } = await sql<{ version: number, encoding: string, schema: string | null }>`SELECT
    current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
    current_schema() AS schema`.execute(db)
  const { version = 0, encoding, schema } = rows[0] ?? {}
  if (version < LEAST_VERSION * 10_000) throw unsupported(`PostgreSQL ${LEAST_VERSION} or newer is needed`)
  if (encoding !== 'UTF8') throw unsupported(`its encoding is ${encoding}, and not UTF8`)
  if (schema === null) throw unsupported('no schema of its search_path is there')
}

function unsupported (reason: string): Error {
  return timelineError('AGENT_TIMELINE_UNSUPPORTED_DATABASE', [reason])
}

async function hasTriggers (db: Kysely<Tables>, schema: HostSchema): Promise<boolean> {
  for (const [name, table] of TRIGGERS) {
    if ((table !== 'tasks' || schema.canTriggerOnTasks) && !(await hasTrigger(db, name, table))) return false
  }
  return !(await hasOpenFunctions(db))
}

/**
 * Whether an earlier version has left functions of our triggers that lend their rights: they find tables of a session's
 * own before ours, or are for everybody's triggers. Only their owner can mend that.
 */
async function hasOpenFunctions (db: Kysely<Tables>): Promise<boolean> {
  const { rows } = await sql`SELECT 1 FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
    WHERE t.tgname IN (${sql.join(TRIGGERS.map(([name]) => name))})
      AND t.tgrelid IN (${sql.join(TRIGGERS.map(([, table]) => sql`to_regclass(${table})`))})
      AND pg_has_role(p.proowner, 'USAGE') AND (has_function_privilege('public', p.oid, 'EXECUTE')
        OR NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) AS s (setting) WHERE s.setting LIKE 'search\\_path=%, pg\\_temp'))
    LIMIT 1`.execute(db)
  return rows.length > 0
}

/** Changes with every table of ours or the host's that is made, altered or dropped, and with our triggers. */
async function schemaMarkOf (db: Kysely<Tables>): Promise<string> {
  const tables = sql.join([...OWN_TABLES, 'task_invocations', 'tasks', 'audit'].map((name) => sql`to_regclass(${name})`))
  const { rows } = await sql<{ mark: string | null }>`SELECT
    (SELECT md5(string_agg(attrelid || ':' || attname, ',' ORDER BY attrelid, attnum)) FROM pg_attribute
      WHERE attrelid IN (${tables}) AND attnum > 0 AND NOT attisdropped) ||
    (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'timeline_%' AND tgrelid IN (${tables})) AS mark`.execute(db)
  return rows[0]?.mark ?? ''
}

/** Who bring in a task's rows of the host's at once do it one after the other: what one has, the next one finds. */
function alone (host: HostRows): HostRows {
  return {
    ...host,
    async importPending (trx, taskId) {
      await ensureStream(trx, taskId)
      await lockStreams(trx, [taskId])
      return host.importPending(trx, taskId)
    }
  }
}
