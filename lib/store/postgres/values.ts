import type { KyselyPlugin, PluginTransformQueryArgs, PluginTransformResultArgs, RootOperationNode, QueryResult, UnknownRow } from 'kysely'
import { normaliseTime } from '../../time/clock.js'

// The queries are those of every engine, and so are the values that they expect: numbers, texts, times as ISO-8601,
// JSON as its text, 0 and 1.

const toNumber = (value: string): number => Number(value)

/** By the oid of a type: int8, int2, int4, oid, float4, float8, numeric; bool; timestamp, timestamptz. */
const PARSERS: ReadonlyMap<number, (value: string) => unknown> = new Map<number, (value: string) => unknown>([
  ...[20, 21, 23, 26, 700, 701, 1700].map((oid) => [oid, toNumber] as const),
  [16, (value: string) => Number(value === 't')],
  [1114, readTime],
  [1184, readTime]
])

/** How values that a server sends as text are read. */
export const TYPES = {
  getTypeParser: (oid: number) => PARSERS.get(oid) ?? ((value: string) => value)
}

/** `2026-02-10 12:49:05.12+00`, or another zone; without one it is UTC. */
function readTime (value: string): string {
  const zone = /[+-]\d\d$/.test(value) ? `${value}:00` : value
  return normaliseTime(zone) ?? value
}

/** Columns and sums of whole numbers, which `pg` hands on as texts. */
const NUMBERS: ReadonlySet<string> = new Set([
  'invocation_id', 'seq', 'end_seq', 'parent_seq', 'last_seq', 'floor_seq', 'lag_ms', 'activity_count', 'duration_ms', 'exit_code',
  'success', 'timed_out', 'audit_cursor', 'invocation_cursor', 'backfill_cursor', 'batch', 'use', 'added', 'removed', 'edits', 'is_new',
  'is_background', 'is_poll', 'is_stale', 'is_final', 'timeout_ms', 'section', 'runs', 'count', 'total', 'running', 'untold', 'unpriced',
  'length', 'bytes', 'input_tokens', 'output_tokens', 'cache_read_tokens', 'cache_write_tokens', 'reasoning_tokens', 'cost_usd', 'budget_usd', 'told_budget_usd',
  'started_at_ms', 'completed_at_ms', 'last_activity_at_ms'
])

/** The same for a Kysely of the host's, whose driver has read the values in its own way already. */
export class ValuesPlugin implements KyselyPlugin {
  transformQuery ({ node }: PluginTransformQueryArgs): RootOperationNode {
    return node
  }

  async transformResult ({ result }: PluginTransformResultArgs): Promise<QueryResult<UnknownRow>> {
    return { ...result, rows: result.rows.map(readRow) }
  }
}

function readRow (row: UnknownRow): UnknownRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, readValue(name, value)]))
}

function readValue (name: string, value: unknown): unknown {
  if (typeof value === 'string') return NUMBERS.has(name) && value !== '' ? Number(value) : value
  if (typeof value === 'boolean') return Number(value)
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof Date) return value.toISOString()
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}
