import { createInProcessBus } from '../in-process-bus.js'
import type { Store } from '../port.js'
import { composeStore, type StoreOptions } from '../sql/compose-store.js'
import type { Database } from '../sql/database.js'
import { openLateDatabase } from '../sql/late-database.js'
import { createChangeMark } from './change-mark.js'
import { openPostgres, type PostgresOptions } from './database.js'
import { createNotifyBus } from './notify-bus.js'
import { connect, type PostgresSource } from './source.js'

/**
 * Opens a database on a PostgreSQL server as a store.
 *
 * @throws AGENT_TIMELINE_PG_MISSING, AGENT_TIMELINE_NOT_MIGRATED, AGENT_TIMELINE_DATABASE_*
 */
export async function openPostgresStore (source: PostgresSource, options: StoreOptions): Promise<Store> {
  const { logger, migrate, openHost, meter } = options
  const connections = await connect(source)
  const open = (opening = options.opening) => openPostgres({ connections, migrate, openHost, meter, opening })
  try {
    const database = options.isAwaited
      ? await openLateDatabase({
        path: connections.path,
        open,
        opening: options.opening,
        onFailure: (error) => options.onTrouble(error, true),
        onOpened: ({ path }) => options.onUsable(path)
      })
      : await open()
    const listening = connections.createListener === undefined
      ? undefined
      : createNotifyBus({ createClient: connections.createListener, logger })
    const store = composeStore(database, { ...options, owner: withoutHostname(options.owner) }, {
      // Without a connection of its own nobody can be told: others look four times a second.
      bus: listening ?? createInProcessBus(),
      changeMark: createChangeMark(database),
      conflict: () => undefined,
      startHeartbeat: () => undefined
    })
    return {
      ...store,
      async close (written) {
        await store.close(written)
        await listening?.ended()
      }
    }
  } catch (error) {
    await connections.close()
    throw error
  }
}

/** The same without what serves others, for who migrates. */
export async function openPostgresDatabase (
  source: PostgresSource, options: Omit<PostgresOptions, 'connections'>
): Promise<Database> {
  const connections = await connect(source)
  try {
    return await openPostgres({ ...options, connections })
  } catch (error) {
    await connections.close()
    throw error
  }
}

/** Machines may go by one name; only what no two of them have in common says where a process is. */
function withoutHostname (owner: string): string {
  return JSON.stringify({ ...JSON.parse(owner), hostname: '' })
}
