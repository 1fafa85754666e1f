import type { ToolKind } from '../model/activity.js'
import type { ToolCall } from '../model/answers.js'

/** A stored call, under the names of its columns. */
export interface StoredCall {
  readonly seq: number
  readonly end_seq: number | null
  readonly invocation_id: number
  readonly call_id: string
  readonly use: number
  readonly parent_seq: number | null
  readonly kind: string
  readonly name: string
  readonly message: string
  readonly status: string
  readonly exit_code: number | null
  readonly started_at: string
  readonly duration_ms: number | null
  readonly path: string | null
  readonly added: number | null
  readonly removed: number | null
  readonly first_error: string | null
  readonly is_background: number
}

/** The wire's shape of a call. */
export function toToolCall (row: StoredCall): ToolCall {
  return {
    seq: Number(row.seq),
    ...number('endSeq', row.end_seq),
    callId: row.call_id,
    use: Number(row.use),
    invocationId: Number(row.invocation_id),
    kind: row.kind as ToolKind,
    name: row.name,
    message: row.message,
    status: row.status as ToolCall['status'],
    startedAt: row.started_at,
    ...number('durationMs', row.duration_ms),
    ...number('exitCode', row.exit_code),
    ...number('parentSeq', row.parent_seq),
    ...(row.path === null ? {} : { file: { path: row.path, ...number('added', row.added), ...number('removed', row.removed) } }),
    ...(row.first_error === null ? {} : { firstError: JSON.parse(row.first_error) as NonNullable<ToolCall['firstError']> }),
    ...(Number(row.is_background) === 1 ? { isBackground: true } : {})
  }
}

/** A member of that name; none where it is null. A driver of Postgres gives large integers as texts. */
export function number<Name extends string> (name: Name, value: number | null): { readonly [name in Name]?: number } {
  return value === null ? {} : { [name]: Number(value) } as { readonly [name in Name]?: number }
}
