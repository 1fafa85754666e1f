import { statSync } from 'node:fs'
import { timelineError } from '../../lib/errors.js'
import { isPostgresSource } from '../../lib/store/engines.js'
import { checkHostName } from '../allowed-hosts.js'

/** The options of every command. */
export const OPTIONS = {
  database: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  task: { type: 'string' },
  after: { type: 'string' },
  role: { type: 'string' },
  title: { type: 'string' },
  provider: { type: 'string' },
  model: { type: 'string' },
  timeout: { type: 'string' },
  'silence-timeout': { type: 'string' },
  acp: { type: 'boolean' },
  prompt: { type: 'string' },
  'auth-method': { type: 'string' },
  port: { type: 'string' },
  host: { type: 'string' },
  'allowed-host': { type: 'string', multiple: true },
  'format-module': { type: 'string', multiple: true },
  json: { type: 'boolean' },
  format: { type: 'string' },
  state: { type: 'string' },
  q: { type: 'string' },
  limit: { type: 'string' },
  cursor: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
  version: { type: 'boolean' }
} as const

/** What was given, as it was given. */
export type Values = {
  readonly [name in keyof typeof OPTIONS]?: (name extends 'allowed-host' | 'format-module' ? string[] : string | boolean) | undefined
}
/** What may be given once. */
type Value = string | boolean | undefined

/**
 * A typing error must not leave a new database behind.
 *
 * @throws AGENT_TIMELINE_DATABASE_MISSING, AGENT_TIMELINE_NOT_A_DATABASE
 */
export function existing (values: Values, name: 'database' | 'from' = 'database'): string {
  const database = required(`--${name}`, values[name])
  if (isPostgresSource(database)) return database
  const file = statSync(database, { throwIfNoEntry: false })
  if (file === undefined) throw timelineError('AGENT_TIMELINE_DATABASE_MISSING', [database])
  if (file.isDirectory()) throw timelineError('AGENT_TIMELINE_NOT_A_DATABASE', [database])
  return database
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function required (name: string, value: Value): string {
  if (typeof value === 'string' && value !== '') return value
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is missing'])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function wholeNumber (name: string, text: string | boolean, max: number): number {
  const value = /^\d{1,16}$/.test(String(text)) ? Number(text) : NaN
  if (value <= max) return value
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, `is a whole number from 0 to ${max}`])
}

/** Those of the options that were given. */
export function given<Name extends keyof Values> (values: Values, names: readonly Name[]): { [name in Name]?: string } {
  const present = names.filter((name) => values[name] !== undefined)
  return Object.fromEntries(present.map((name) => [name, values[name]])) as never
}

/** A limit in milliseconds, under the name it has in code; nothing where none was given. */
export function limit<Name extends string> (
  name: Name, option: string, value: Value
): { [name in Name]?: number } {
  if (value === undefined) return {}
  const ms = wholeNumber(option, value, Number.MAX_SAFE_INTEGER)
  if (ms === 0) throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [option, 'is a positive number of milliseconds'])
  return { [name]: ms } as never
}

/** The names of `--allowed-host`; none by default. @throws AGENT_TIMELINE_INVALID_OPTION */
export function allowedHosts ({ 'allowed-host': names = [] }: Values): string[] {
  return names.map((name) => checkHostName('--allowed-host', name))
}
