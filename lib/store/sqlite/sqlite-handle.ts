import type { SqliteDatabase } from 'kysely'

/** A better-sqlite3 `Database`, in terms that need no types of that package: it brings none. */
export interface SqliteHandle extends SqliteDatabase {
  readonly name: string
  readonly memory: boolean
  readonly inTransaction: boolean
  /** Absent before better-sqlite3 had it. */
  readonly open?: boolean
  pragma (source: string, options?: { readonly simple?: boolean }): unknown
}
