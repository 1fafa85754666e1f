import type { Kysely } from 'kysely'
import { MIGRATION_NAME } from '../../../migrations/010_invocation_lifecycle.js'
import { canTriggerOnTasks, columnsOf, hasIndex, hasTables, ownsTasks, requiredColumnsOf } from '../../../migrations/catalog.js'
import { INVOCATION_COLUMNS, LATER_COLUMNS, LATER_INDEXES, OWN_TABLES } from '../../../migrations/statements.js'
import type { HostSchema } from '../host-rows.js'

const AUDIT_COLUMNS = ['id', 'task_id', 'from_status', 'to_status', 'actor', 'created_at']

/** Looks at the database as it is now. */
export async function inspectHost (db: Kysely<any>): Promise<HostSchema> {
  const [invocations, tasks, audit, migration] = [
    await columnsOf(db, 'task_invocations'), await columnsOf(db, 'tasks'), await columnsOf(db, 'audit'),
    await columnsOf(db, 'timeline_migration')
  ]
  const missing: string[] = []
  if (invocations.size === 0) missing.push('the table task_invocations')
  else {
    for (const [name] of INVOCATION_COLUMNS) {
      if (!invocations.has(name)) missing.push(`the column task_invocations.${name}`)
    }
  }
  for (const table of OWN_TABLES) {
    const columns = await columnsOf(db, table)
    if (columns.size === 0) missing.push(`the table ${table}`)
    for (const [of, name] of LATER_COLUMNS) {
      if (of === table && columns.size > 0 && !columns.has(name)) missing.push(`the column ${table}.${name}`)
    }
  }
  for (const [name] of LATER_INDEXES) if (!(await hasIndex(db, name))) missing.push(`the index ${name}`)
  const row = migration.has('name')
    ? await db.selectFrom('timeline_migration').select('name').where('name', '=', MIGRATION_NAME).executeTakeFirst()
    : undefined
  return {
    invocations,
    required: await requiredColumnsOf(db, 'task_invocations'),
    tasks,
    ownsTasks: await ownsTasks(db),
    hasAudit: AUDIT_COLUMNS.every((name) => audit.has(name)) && tasks.has('id') && tasks.has('status'),
    isMigrated: row !== undefined,
    missing,
    isBeingRebuilt: row !== undefined && invocations.size === 0,
    canTriggerOnTasks: await canTriggerOnTasks(db),
    isEmpty: invocations.size === 0 && tasks.size === 0 && migration.size === 0 && !(await hasTables(db))
  }
}
