import type { Logger } from '../../lib/logger.js'

export interface LogLine {
  readonly level: string
  readonly code?: string
  readonly message: string
}

/** A logger that remembers, and can tell whether a text has leaked into any of its lines. */
export class Logs implements Logger {
  readonly lines: LogLine[] = []
  #texts = ''

  error = (details: object, message: string) => { this.#add('error', details, message) }
  warn = (details: object, message: string) => { this.#add('warn', details, message) }
  info = (details: object, message: string) => { this.#add('info', details, message) }
  debug = (details: object, message: string) => { this.#add('debug', details, message) }

  get warnings (): LogLine[] {
    return this.lines.filter(({ level }) => level === 'warn' || level === 'error')
  }

  mentions (text: string): boolean {
    return this.#texts.includes(text)
  }

  #add (level: string, details: object, message: string): void {
    const { code, err } = details as { code?: string, err?: Error }
    this.lines.push({ level, ...(code === undefined ? {} : { code }), message })
    const causes: string[] = []
    for (let cause: unknown = err; cause instanceof Error; cause = cause.cause) causes.push(String(cause.stack))
    this.#texts += `${message} ${JSON.stringify(details)} ${causes.join(' ')}\n`
  }
}
