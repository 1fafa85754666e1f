/** Events of a page, where nothing else is asked for. */
export const DEFAULT_PAGE_LIMIT = 500
/** Events that may be asked for at once. */
export const MAX_PAGE_LIMIT = 5_000
/** Invocations of a list, where nothing else is asked for. */
export const DEFAULT_LIST_LIMIT = 100
/** Invocations that may be asked for at once. */
export const MAX_LIST_LIMIT = 1_000
/** Calls of a list, where nothing else is asked for. */
export const DEFAULT_CALL_LIMIT = 100
/** Calls that may be asked for at once. */
export const MAX_CALL_LIMIT = 1_000
/** Tasks of a list, where nothing else is asked for. */
export const DEFAULT_TASK_LIMIT = 50
/** Tasks that may be asked for at once. */
export const MAX_TASK_LIMIT = 200
/** Characters of a text that is looked for. */
export const MAX_QUERY_LENGTH = 200
