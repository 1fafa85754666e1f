/** A server of PostgreSQL of our own, on 127.0.0.1. */
export interface PostgresServer {
  readonly port: number
  /** The address of a new, empty database. */
  createDatabase (options?: { readonly schema?: string }): Promise<string>
  /** Address of a database by its name, for another user if need be. */
  urlOf (database: string, user?: string): string
  /** Statements as the one who may do everything. */
  admin (sql: string, database?: string): Promise<any[]>
  stop (mode?: 'fast' | 'immediate'): Promise<void>
  start (): Promise<void>
  /** Ends it, and leaves nothing. */
  close (): Promise<void>
}

export function startServer (settings?: Record<string, string | number>): Promise<PostgresServer>
