import type { TaskSummary, ToolCall } from '../../../lib/model/answers.js'
import type { ToolKind } from '../../../lib/model/activity.js'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { toolKindOf } from '../../../lib/model/tool-kind.js'

/** The calls of a log, as the server pairs them. */
export function sampleCalls (events: readonly TimelineEvent[]): ToolCall[] {
  const calls = new Map<string, ToolCall>()
  for (const event of events) {
    if (event.type !== 'invocation.activity' || event.activityType !== 'tool_exec') continue
    const { phase, tool, ...metadata } = event.metadata ?? {}
    const callId = String(metadata.callId)
    const { status, durationMs, exitCode, firstError } = metadata as Partial<ToolCall>
    const message = event.activity
    const known = calls.get(callId)
    if (phase === 'start' || known === undefined) {
      const command = message.startsWith('exec: ') ? message.slice(6) : undefined
      calls.set(callId, {
        seq: event.seq,
        callId,
        use: 1,
        invocationId: event.invocationId,
        kind: toolKindOf(String(tool), command),
        name: String(tool),
        message,
        status: 'running',
        startedAt: event.timestamp
      })
    } else {
      const path = (metadata.files as Array<{ path: string }> | undefined)?.[0]?.path
      calls.set(callId, {
        ...known,
        status: status ?? 'ok',
        durationMs,
        exitCode,
        endSeq: event.seq,
        ...(path === undefined ? {} : { file: { path, added: 9, removed: 2 } }),
        ...(firstError === undefined ? {} : { firstError })
      })
    }
  }
  return [...calls.values()]
}

/** A summary of a log as the server would give it, apart from what a test says itself. */
export function sampleSummary (
  events: readonly TimelineEvent[], nowMs: number, more: Partial<TaskSummary> = {}
): TaskSummary {
  const calls = sampleCalls(events)
  const count = (type: string): number => events.filter((event) => event.type === `invocation.${type}`).length
  const [started, completed, failed, timeout] = [
    count('started'), count('completed'), count('failed'), count('timeout')
  ]
  const byKind: Partial<Record<ToolKind, number>> = {}
  for (const { kind, durationMs, startedAt } of calls) {
    byKind[kind] = (byKind[kind] ?? 0) + (durationMs ?? nowMs - Date.parse(startedAt))
  }
  const toolMs = Object.values(byKind).reduce((sum, ms) => sum + ms, 0)
  const elapsedMs = nowMs - Date.parse(events[0]?.timestamp ?? new Date(nowMs).toISOString())
  const paths = [...new Set(calls.flatMap(({ file }) => file === undefined ? [] : [file.path]))]
  return {
    task: { id: events[0]?.taskId ?? 'demo' },
    state: started > completed + failed + timeout ? 'working' : failed > 0 ? 'failed' : 'done',
    runs: { total: started, running: started - completed - failed - timeout, completed, failed, timeout },
    elapsedMs,
    usage: { inputTokens: 96_000, outputTokens: 16_000, costUsd: 0.42, isProvisional: false },
    calls: { total: calls.length, failed: calls.filter(({ status }) => status === 'error').length, byKind: {} },
    time: {
      toolMs,
      thinkingMs: Math.max(0, elapsedMs - toolMs - 40_000),
      waitingMs: 0,
      personMs: 0,
      betweenRunsMs: 40_000,
      byKind
    },
    files: paths.map((path, i) => ({ path, edits: 1, added: 12 * (i + 1), removed: i, isNew: i === 2 })),
    filesTotal: paths.length,
    plan: {
      entries: [
        ['Find where addresses are checked', 'completed'], ['Add the check to GoogleService', 'completed'],
        ['Add the check to GithubService', 'completed'], ['Cover both with tests', 'completed'],
        ['Run the whole suite', 'in_progress'], ['Update CHANGELOG', 'pending']
      ].map(([text, status]) => ({ text, status }) as NonNullable<TaskSummary['plan']>['entries'][number]),
      done: 4,
      total: 6
    },
    headSeq: events.length,
    epoch: 'e1',
    ...more
  }
}
