import { sql, type Kysely, type RawBuilder } from 'kysely'
import { isOneOf } from './dialect.js'

/** Which tasks somebody may see: these, or those whose ids begin so. */
export type TaskScope = { readonly ids: ReadonlySet<string> } | { readonly prefix: string }

/** Whether a task is among them. */
export function isInScope (scope: TaskScope, taskId: string): boolean {
  return 'ids' in scope ? scope.ids.has(taskId) : taskId.startsWith(scope.prefix)
}

/**
 * The same as a condition on a column of task ids. Ids go as one parameter, however many there are; a prefix is
 * compared as it is, because LIKE has wildcards and takes capitals for small letters.
 */
export function inScope (db: Kysely<any>, column: string, scope: TaskScope): RawBuilder<boolean> {
  const taskId = sql.ref(column)
  return 'ids' in scope
    ? isOneOf(db, column, scope.ids)
    : sql<boolean>`substr(${taskId}, 1, length(${scope.prefix})) = ${scope.prefix}`
}
