// The engines, and all of them that is known outside their folders: a second one is chosen here, by what `database` is.
export { migrateDatabase, type MigrationReport } from './sqlite/migrate-database.js'
export { openStore, type StoreOptions } from './sqlite/open-store.js'
export { canonicalFileOf, type DatabaseSource } from './sqlite/source.js'
export type { OpeningLimits } from './sqlite/database.js'
