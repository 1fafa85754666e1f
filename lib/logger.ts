/** What the timeline needs of a logger; pino's and Fastify's fit as they are. */
export interface Logger {
  error (details: object, message: string): void
  warn (details: object, message: string): void
  info (details: object, message: string): void
  debug (details: object, message: string): void
}

/** Logs nothing. */
export const silentLogger: Logger = { error () {}, warn () {}, info () {}, debug () {} }

/** Used where the host gives no logger: warnings and errors become process warnings, the rest is dropped. */
export const processLogger: Logger = {
  ...silentLogger,
  error: emitWarning,
  warn: emitWarning
}

function emitWarning (details: object, message: string): void {
  const { code, err } = details as { code?: string, err?: { message?: string, code?: string } }
  const cause = err?.message === undefined ? '' : ` (${err.code === undefined ? '' : err.code + ': '}${err.message})`
  process.emitWarning(message + cause, { type: 'AgentTimelineWarning', ...(code === undefined ? {} : { code }) })
}
