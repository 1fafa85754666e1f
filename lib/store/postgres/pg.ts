import { timelineError } from '../../errors.js'

/** What we use of a result of `pg`. */
export interface PgResult {
  readonly command: string
  readonly rowCount: number | null
  readonly rows: unknown[]
}

export interface PgQuery {
  readonly text: string
  readonly values?: readonly unknown[]
  readonly types?: { getTypeParser (oid: number, format?: string): (value: string) => unknown }
}

/** What we use of a `Client` of `pg`, in a pool or by itself. */
export interface PgClient {
  query (query: PgQuery): Promise<PgResult>
  on (event: 'error' | 'end', listener: (error?: Error) => void): unknown
  on (event: 'notification', listener: (message: { channel: string, payload?: string }) => void): unknown
}

export interface PgPoolClient extends PgClient {
  release (error?: boolean | Error): void
}

export interface PgSoleClient extends PgClient {
  connect (): Promise<unknown>
  end (): Promise<void>
  unref (): void
}

/** What we use of a `Pool` of `pg`. */
export interface PgPool {
  readonly options: object
  connect (): Promise<PgPoolClient>
  on (event: 'error', listener: (error: Error) => void): unknown
  on (event: 'connect', listener: (client: PgPoolClient) => void): unknown
  end (): Promise<void>
}

/** How to reach a server, as `pg` takes it. */
export type PgConfig = Readonly<Record<string, unknown>>

/** `pg`, or the copy of it that a host's pool is of. */
export interface PgLibrary {
  readonly Pool: new (config: PgConfig) => PgPool
  readonly Client: new (config: PgConfig) => PgSoleClient
}

/**
 * The installed `pg`.
 *
 * @throws AGENT_TIMELINE_PG_MISSING
 */
export async function loadPg (): Promise<PgLibrary> {
  try {
    // A name that no bundler follows: most who bundle have no pg, and those who have it keep it beside the bundle.
    const name = 'pg'
    const module = await import(/* webpackIgnore: true */ /* @vite-ignore */ name) as { default: PgLibrary }
    return module.default
  } catch (error) {
    throw timelineError('AGENT_TIMELINE_PG_MISSING', [(error as Error).message], error)
  }
}
