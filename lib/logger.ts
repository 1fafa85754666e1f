import { toVisible } from './text/plain-text.js'

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

/** A logger of the host's whose failures reach nobody; sentences of ours may hold names that are not. */
export function createSafeLogger (logger: Logger): Logger {
  const safe = (level: keyof Logger) => (details: object, message: string) => {
    try {
      logger[level](details, toVisible(message))
    } catch {}
  }
  return { error: safe('error'), warn: safe('warn'), info: safe('info'), debug: safe('debug') }
}

function emitWarning (details: object, message: string): void {
  const { code, err } = details as { code?: string, err?: { message?: string, code?: string } }
  const cause = err?.message === undefined ? '' : ` (${err.code === undefined ? '' : err.code + ': '}${err.message})`
  process.emitWarning(toVisible(message + cause), { type: 'AgentTimelineWarning', ...(code === undefined ? {} : { code }) })
}
