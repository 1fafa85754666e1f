import type { Kysely } from 'kysely'
import { engineOf } from '../../../migrations/catalog.js'
import type { KyselyHandle } from '../kysely-handle.js'
import { connectKysely, connectPools, type PostgresConnections } from './connections.js'
import { loadPg, type PgConfig, type PgLibrary, type PgPool } from './pg.js'

/** A `Pool` of `pg`: it says how the server is reached, and we open connections of our own. */
export interface PgPoolHandle {
  readonly options: object
  readonly totalCount: number
  connect (): Promise<unknown>
}

/** What `database` may be: a `postgres://` address, a `Pool` of `pg`, or a `Kysely` on PostgreSQL. */
export type PostgresSource = string | PgPoolHandle | KyselyHandle

export function isPostgresSource (source: unknown): source is PostgresSource {
  if (typeof source === 'string') return /^postgres(ql)?:\/\//i.test(source)
  if (isPool(source)) return true
  return isKysely(source) && engineOf(source as Kysely<any>) === 'postgres'
}

/** One server and database, however it is reached; undefined where only the server could tell. */
export function nameOfPostgres (source: PostgresSource): string | undefined {
  if (typeof source === 'string') {
    try {
      const { hostname, port, pathname, searchParams } = new URL(source)
      const options = searchParams.get('options')
      return `postgres://${searchParams.get('host') ?? hostname}:${port === '' ? '5432' : port}${pathname}${options === null ? '' : `?options=${options}`}`
    } catch {
      return 'postgres://'
    }
  }
  if (!isPool(source)) return undefined
  const { connectionString, host = 'localhost', port = 5432, database = '', options } = source.options as Record<string, string>
  if (connectionString !== undefined) return nameOfPostgres(connectionString)
  return `postgres://${host}:${port}/${database}${options === undefined ? '' : `?options=${options}`}`
}

/**
 * Opens our connections to a server.
 *
 * @throws AGENT_TIMELINE_PG_MISSING
 */
export async function connect (source: PostgresSource): Promise<PostgresConnections> {
  const path = nameOfPostgres(source)
  if (typeof source === 'string') return connectPools(await loadPg(), { connectionString: source }, path ?? '')
  if (isPool(source)) return connectPools(await libraryOf(source), configOf(source), path ?? '')
  return connectKysely((source as Kysely<any>).withoutPlugins(), 'postgres://')
}

/** The copy of `pg` that a pool is of. */
async function libraryOf (pool: PgPoolHandle): Promise<PgLibrary> {
  const { constructor, Client } = pool as unknown as { constructor: PgLibrary['Pool'], Client?: PgLibrary['Client'] }
  return { Pool: constructor, Client: Client ?? (await loadPg()).Client }
}

/** Its options, those with secrets included, which it hides from being listed. */
function configOf ({ options }: PgPoolHandle): PgConfig {
  const { password, ssl } = options as PgConfig
  return { ...options, ...(password === undefined ? {} : { password }), ...(ssl === undefined ? {} : { ssl }) }
}

function isPool (source: unknown): source is PgPoolHandle & PgPool {
  const { connect: connects, totalCount, options } = (source ?? {}) as Partial<PgPoolHandle>
  return typeof connects === 'function' && typeof totalCount === 'number' && typeof options === 'object'
}

function isKysely (source: unknown): boolean {
  return typeof (source as { getExecutor?: unknown } | null)?.getExecutor === 'function'
}
