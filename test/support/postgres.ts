import type { Test } from 'tap'
import { startServer, type PostgresServer } from './postgres-server.mjs'

export type { PostgresServer }

/** Starts a server that ends with the test. The binaries come from npm: nothing has to be installed. */
export async function startPostgres (t: Test): Promise<PostgresServer> {
  const server = await startServer()
  t.teardown(() => server.close())
  return server
}
