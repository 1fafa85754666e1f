import { createHash } from 'node:crypto'
import { sanitise } from '../../text/well-formed.js'
import { normaliseTime } from '../../time/clock.js'

/** A value as both engines have it, whatever each of them stores; null where there is none. */
export type CarriedValue = string | number | null

/** A column, with the name of its type on PostgreSQL. */
export interface CarriedColumn {
  readonly name: string
  readonly type: string
}

/** A row in the order of its columns. */
export type CarriedRow = readonly CarriedValue[]

/** What cannot be said in the type of its column. */
export class NotCarried extends Error {}

/** Reads a row of either engine. @throws NotCarried */
export function readCarried (row: Readonly<Record<string, unknown>>, columns: readonly CarriedColumn[]): CarriedRow {
  return columns.map(({ name, type }) => {
    const value = row[name]
    if (value === null || value === undefined) return null
    const read = readAs(type, value)
    if (read === undefined) throw new NotCarried(`${name} is ${JSON.stringify(String(value).slice(0, 100))}, which is no ${type}`)
    return read
  })
}

/** @returns undefined for what is no value of that type */
function readAs (type: string, value: unknown): CarriedValue | undefined {
  if (/^(bigint|integer|smallint)$/.test(type)) return numberOf(value, Math.round)
  if (/^(double precision|real|numeric)$/.test(type)) return numberOf(value, (number) => number)
  if (type === 'boolean') return Number(value === true || value === 'true' || value === 't' || Number(value) === 1)
  if (/^timestamp/.test(type)) return normaliseTime(value)
  if (/^jsonb?$/.test(type)) return readJson(value)
  if (Buffer.isBuffer(value)) return type === 'bytea' ? `\\x${value.toString('hex')}` : sanitise(value.toString())
  return sanitise(String(value))
}

function numberOf (value: unknown, round: (number: number) => number): number | undefined {
  const number = round(Number(value))
  return Number.isFinite(number) ? number : undefined
}

/** Its members in one order: `jsonb` has an order of its own. */
function readJson (value: unknown): string | undefined {
  try {
    return JSON.stringify(JSON.parse(String(value)), (_, part: unknown) => {
      if (typeof part === 'string') return sanitise(part)
      if (typeof part !== 'object' || part === null || Array.isArray(part)) return part
      return Object.fromEntries(Object.entries(part).map(([name, member]) => [sanitise(name), member] as const)
        .sort(([a], [b]) => a < b ? -1 : 1))
    })
  } catch {
    return undefined
  }
}

/** Sums up rows, in whatever order they come. */
export class RowsDigest {
  #sum = 0n
  rows = 0

  add (row: CarriedRow): void {
    this.#sum = BigInt.asUintN(256, this.#sum + BigInt(`0x${createHash('sha256').update(JSON.stringify(row)).digest('hex')}`))
    this.rows++
  }

  toString (): string {
    return this.#sum.toString(16).padStart(64, '0')
  }
}
