import { toVisible } from './text/plain-text.js'

/** Every coded error of the package: code, HTTP status, sentence. `%s` is filled in by {@link timelineError}. */
const ERRORS = {
  AGENT_TIMELINE_INVALID_OPTION: [500, 'The option %s %s.'],
  AGENT_TIMELINE_UNKNOWN_OPTION: [500, 'There is no option %s. Known options: %s.'],
  AGENT_TIMELINE_NO_DATABASE: [500, 'Give the option database or the option projects, one of the two.'],
  AGENT_TIMELINE_UNSUPPORTED_DATABASE: [500, 'The database cannot be used: %s.'],
  AGENT_TIMELINE_SECOND_SQLITE: [503, 'Two SQLite libraries on one file of one process lose data. Pass the open handle in place of the path, or give a file of our own, or see that better-sqlite3 is installed once: %s.'],
  AGENT_TIMELINE_SQLITE_MISSING: [503, 'better-sqlite3 is not installed, or cannot be found from here. Run npm install %s, or pass a handle of node:sqlite.'],
  AGENT_TIMELINE_SQLITE_UNBUILT: [503, 'better-sqlite3 is installed, but its binary is missing or is for another Node. Run npm rebuild better-sqlite3 (pnpm: pnpm approve-builds): %s.'],
  AGENT_TIMELINE_SQLITE_TOO_NEW: [503, 'better-sqlite3 %s needs Node %s or newer, and would end this one. Run npm install %s.'],
  AGENT_TIMELINE_SQLITE_TOO_OLD: [500, 'SQLite %s can lose writes of several processes on one file. Use better-sqlite3 12.8 or newer, which has SQLite 3.51.3.'],
  AGENT_TIMELINE_PROM_CLIENT_MISSING: [500, 'The option metrics works through prom-client: %s. Run npm install prom-client@15.'],
  AGENT_TIMELINE_PG_MISSING: [503, 'A postgres:// address is reached through pg: %s. Run npm install pg@8.'],
  AGENT_TIMELINE_DATABASE_MISSING: [503, 'The database does not exist: %s.'],
  AGENT_TIMELINE_DATABASE_ACCESS: [503, 'The database server does not let us in, or not do what is needed: %s.'],
  AGENT_TIMELINE_DATABASE_READ_ONLY: [503, 'The database can only be read, as on a standby: %s.'],
  AGENT_TIMELINE_TOO_MANY_CONNECTIONS: [503, 'The database server takes no more connections: %s.'],
  AGENT_TIMELINE_NOT_A_DATABASE: [503, 'The file is not an SQLite database: %s.'],
  AGENT_TIMELINE_DATABASE_LOCKED: [503, 'The database is locked by another process. Try again.'],
  AGENT_TIMELINE_DATABASE_FULL: [503, 'The database or its disk is full.'],
  AGENT_TIMELINE_DATABASE_TOO_LARGE: [500, 'The database stays above maxDatabaseBytes: what else is in it, runs that go on and the newest activities take more.'],
  AGENT_TIMELINE_DATABASE_UNAVAILABLE: [503, 'The database cannot be read or written at the moment.'],
  AGENT_TIMELINE_DATABASE_REPLACED: [503, 'Another database, or an older state of it, was put in the place of the open one.'],
  AGENT_TIMELINE_NOT_MIGRATED: [503, 'The database lacks %s. Run migrations/010_invocation_lifecycle, or pass migrate: true.'],
  AGENT_TIMELINE_TARGET_IN_USE: [500, 'The database that is carried to is not empty: %s.'],
  AGENT_TIMELINE_COPY_REFUSED: [500, 'A row of %s cannot be carried over: %s.'],
  AGENT_TIMELINE_COPY_DIFFERS: [500, 'The two databases differ, so somebody is writing to one of them: %s.'],
  AGENT_TIMELINE_ROUTE_COLLISION: [500, 'The route %s exists already. Choose another %s.'],
  AGENT_TIMELINE_ALREADY_REGISTERED: [500, 'The plugin is registered already. Several databases go into the option projects.'],
  AGENT_TIMELINE_BUSY: [503, 'Too many large pages are being read. Try again.'],
  AGENT_TIMELINE_CLOSED: [503, 'The timeline is closed.'],
  AGENT_TIMELINE_INVALID_TASKS_OF: [500, 'The option tasksOf does not say which tasks may be seen: %s.'],
  AGENT_TIMELINE_NOT_ALL_TASKS: [403, 'This is about all tasks of the database.'],
  AGENT_TIMELINE_UNKNOWN_PROJECT: [404, 'There is no such project.'],
  AGENT_TIMELINE_UNKNOWN_TASK: [404, 'There is no such task.'],
  AGENT_TIMELINE_UNKNOWN_INVOCATION: [404, 'There is no such invocation.'],
  AGENT_TIMELINE_UNKNOWN_CALL: [404, 'There is no tool call that started with this number.'],
  AGENT_TIMELINE_INVALID_TASK_ID: [400, 'A task id is 1 to 256 characters without control characters.'],
  AGENT_TIMELINE_INVALID_INVOCATION_ID: [400, 'An invocation id is a positive whole number.'],
  AGENT_TIMELINE_INVALID_CURSOR: [400, 'The cursor %s is not valid: %s.'],
  AGENT_TIMELINE_INVALID_LIMIT: [400, 'limit is a whole number from 1 to %s.'],
  AGENT_TIMELINE_INVALID_TYPES: [400, 'types is a comma-separated list of event types, task.* or activity types; %s is none.'],
  AGENT_TIMELINE_INVALID_STATUS: [400, 'status is one of running, completed, failed, timeout.'],
  AGENT_TIMELINE_INVALID_KIND: [400, 'kind is one of %s.'],
  AGENT_TIMELINE_INVALID_STATE: [400, 'state is one or more of %s, with commas between.'],
  AGENT_TIMELINE_INVALID_QUERY: [400, 'q is a text of at most %s characters, in the list of tasks without NUL.'],
  AGENT_TIMELINE_INVALID_EVENT: [400, 'The task event is not valid: %s.'],
  AGENT_TIMELINE_INVALID_REQUEST: [400, 'The request is not valid: %s.'],
  AGENT_TIMELINE_STREAMING_DISABLED: [404, 'Live streaming is switched off.'],
  AGENT_TIMELINE_TOO_MANY_STREAMS: [429, 'Too many open streams. Try again later.'],
  AGENT_TIMELINE_TOO_MANY_STREAMS_PER_ADDRESS: [429, 'Too many open streams from this address. Close one, or try again later.'],
  AGENT_TIMELINE_HOST_NOT_ALLOWED: [421, 'Requests may not name this host: %s. Add it to allowedHosts, or to --allowed-host.'],
  AGENT_TIMELINE_TOO_MANY_STREAMS_PER_CONNECTION: [429, 'Too many open streams on this connection. Open another one.'],
  AGENT_TIMELINE_INTERNAL: [500, 'Something went wrong.'],
  AGENT_TIMELINE_INVALID_COMMAND_LINE: [500, 'The command line is not understood: %s.'],
  AGENT_TIMELINE_COMMAND_NOT_FOUND: [500, 'The command %s was not found. Install it, or give its whole path.'],
  AGENT_TIMELINE_CWD_NOT_FOUND: [500, 'The working directory does not exist: %s.'],
  AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE: [500, 'The command %s cannot be executed. Check its permissions.'],
  AGENT_TIMELINE_COMMAND_TOO_OLD: [500, 'The command %s does not understand the options it was given: %s. Update it.'],
  AGENT_TIMELINE_PROMPT_TOO_LONG: [500, 'The prompt is longer than %s accepts: %s.'],
  AGENT_TIMELINE_ACP_SDK_MISSING: [500, 'acp() works through @agentclientprotocol/sdk: %s. Run npm install @agentclientprotocol/sdk@2.'],
  AGENT_TIMELINE_SIGN_IN_NEEDED: [500, '%s needs somebody who is signed in: %s.'],
  AGENT_TIMELINE_SPAWN_FAILED: [500, 'The command %s could not be started: %s.']
} as const satisfies Record<string, readonly [statusCode: number, sentence: string]>

/** The codes of all errors that this package throws, logs or answers with. */
export type ErrorCode = keyof typeof ERRORS

/** An error with a stable `code`, the HTTP `statusCode` it maps to and a sentence for people. */
export class TimelineError extends Error {
  override readonly name = 'TimelineError'
  readonly code: ErrorCode
  readonly statusCode: number

  constructor (code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.statusCode = ERRORS[code][0]
  }
}

/** Makes the error of a code; `details` fill the sentence's placeholders in order, as they may be printed. */
export function timelineError (code: ErrorCode, details: readonly unknown[] = [], cause?: unknown): TimelineError {
  let next = 0
  const message = ERRORS[code][1].replace(/%s/g, () => toVisible(String(details[next++] ?? '')))
  return new TimelineError(code, message, cause === undefined ? undefined : { cause })
}

/**
 * The sentence as strangers may read it. What a 500 or 503 names behind a colon, a path for one, is the matter of
 * whoever runs the server, and in the log.
 */
export function publicSentence ({ code, message, statusCode }: TimelineError): string {
  return statusCode < 500 || !ERRORS[code][1].endsWith(': %s.') ? message : ERRORS[code][1].replace(': %s', '')
}

export function isTimelineError (error: unknown): error is TimelineError {
  return error instanceof Error && error.name === 'TimelineError' && 'code' in error
}
