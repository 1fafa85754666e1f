import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { temporaryDirectory } from '../../support/host-database.js'

type Given = readonly [type: InvocationActivity['type'], message: string, metadata?: Record<string, unknown>]

const BATCHES: ReadonlyArray<readonly Given[]> = [
  [
    ['tool_exec', 'Task: look', { callId: 'p', phase: 'start', tool: 'Task', toolKind: 'agent' }],
    ['tool_exec', 'exec: npm test', {
      callId: '1', phase: 'start', tool: 'Bash', input: { command: 'cd x && npm test' }, parentCallId: 'p'
    }],
    ['tool_exec', 'Edit: a.ts', { callId: '2', phase: 'start', tool: 'Edit', toolKind: 'edit' }],
    ['tool_exec', 'Edit: a.ts', {
      callId: '2', phase: 'end', tool: 'Edit', status: 'ok', durationMs: 7, files: [{ path: 'a.ts', kind: 'add', added: 3 }]
    }]
  ],
  [
    ['tool_exec', 'exec: npm test', {
      callId: '1', phase: 'end', tool: 'Bash', status: 'error', exitCode: 1, result: 'x\nsrc/a.ts(3,5): error TS2322: no'
    }],
    ['tool_exec', 'Edit: a.ts', { callId: '2', phase: 'start', use: 2, tool: 'Edit', toolKind: 'edit' }],
    ['progress', 'Plan: 1 of 2 done', {
      kind: 'plan', entries: [{ content: 'look', status: 'completed' }, { text: 'mend', status: 'pending' }]
    }]
  ],
  [
    ['tool_exec', 'Edit: a.ts', {
      callId: '2', phase: 'end', use: 2, tool: 'Edit', status: 'ok', files: [{ path: 'a.ts', added: 1, removed: 2 }]
    }],
    ['progress', 'in the background', { kind: 'tool', callId: 'p', background: true }],
    ['progress', '10 tokens', { kind: 'usage', usage: { inputTokens: 10, outputTokens: 2, costUsd: 0.5 } }]
  ]
]

async function record (t: Test, batches: ReadonlyArray<readonly Given[]>) {
  const database = join(temporaryDirectory(t), 'timeline.db')
  const timeline = await openTimeline({ database })
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'claude' })
  for (const batch of batches) {
    for (const [type, message, metadata] of batch) {
      run.activity({ type, message, timestamp: new Date(), ...(metadata === undefined ? {} : { metadata }) })
    }
    await timeline.flush()
  }
  return { database, timeline, run }
}

function read (database: string) {
  const db = new Sqlite(database, { readonly: true })
  try {
    return {
      calls: db.prepare('SELECT * FROM tool_call ORDER BY seq').all() as Array<Record<string, any>>,
      files: db.prepare('SELECT path, edits, added, removed, is_new FROM task_file').all(),
      run: db.prepare('SELECT * FROM invocation_run').get() as Record<string, any>
    }
  } finally {
    db.close()
  }
}

t.test('each call is one row, whether its end comes in the same batch or later', async (t) => {
  const { database, timeline, run } = await record(t, BATCHES)
  const live = read(database)
  t.match(live.calls, [
    { seq: 2, end_seq: null, call_id: 'p', kind: 'agent', status: 'running', parent_seq: null, is_background: 1 },
    {
      seq: 3,
      end_seq: 6,
      kind: 'test',
      chain: 'npm test',
      parent_seq: 2,
      status: 'error',
      exit_code: 1,
      first_error: '{"message":"error TS2322: no","location":{"file":"src/a.ts","line":3}}'
    },
    { seq: 4, end_seq: 5, kind: 'edit', status: 'ok', duration_ms: 7, path: 'a.ts', added: 3, use: 1 },
    { seq: 7, end_seq: 9, kind: 'edit', status: 'ok', path: 'a.ts', added: 1, removed: 2, use: 2 }
  ])
  t.same(live.calls[2]!.call_hash, live.calls[3]!.call_hash, 'the same tool and input are the same call')
  t.same(live.files, [{ path: 'a.ts', edits: 2, added: 4, removed: 2, is_new: 1 }])
  t.match(JSON.parse(live.run.plan), { done: 1, total: 2, entries: [{ text: 'look', status: 'completed' }, { text: 'mend' }] })
  t.match(live.run, { input_tokens: 10, output_tokens: 2, cost_usd: 0.5 }, 'as told so far')

  await run.complete({ success: true, response: 'done', usage: { inputTokens: 12, outputTokens: 3 } })
  await timeline.close()
  const ended = read(database)
  t.match(ended.calls[0], { status: 'aborted', end_seq: 12 }, 'what is open at the end ends with it')
  t.match(ended.run, { input_tokens: 12, output_tokens: 3, cost_usd: null }, 'its end says what counts')
  const tally = JSON.parse(ended.run.tally)
  t.match(tally, { calls: 4, failed: 1, kinds: { agent: [1, 0], test: [1, 1], edit: [2, 0] } })
  const ms = Object.values(tally.kinds as Record<string, number[]>).reduce((sum, [, , spent]) => sum + spent!, 0)
  t.equal(ms + tally.thinkingMs + tally.waitingMs + tally.personMs, tally.at - Date.parse(ended.run.started_at),
    'its times add up to the whole')
})

t.test('what a version before recorded is read from its log when a database is opened, and nothing else is touched', async (t) => {
  const { database, timeline, run } = await record(t, BATCHES)
  await run.complete('done')
  await timeline.close()
  const db = new Sqlite(database)
  t.teardown(() => { db.close() })
  const calls = () => db.prepare('SELECT * FROM tool_call ORDER BY seq').all()
  const files = () => db.prepare('SELECT * FROM task_file').all()
  const tallies = () => db.prepare('SELECT source, tally IS NULL AS isBefore FROM invocation_run ORDER BY invocation_id').all()
  const before = { calls: calls(), files: files(), run: db.prepare('SELECT tally, plan FROM invocation_run').get() }
  db.exec(`DELETE FROM tool_call; DELETE FROM task_file; UPDATE invocation_run SET tally = NULL, plan = NULL;
    INSERT INTO task_invocations (task_id, role, provider, model, prompt) VALUES ('b', 'coder', 'x', '', '')`)
  const again = await openTimeline({ database })
  await again.getSummary('b')
  await again.close()
  t.same({ calls: calls(), files: files(), run: db.prepare('SELECT tally, plan FROM invocation_run').get() }, before)
  const third = await openTimeline({ database })
  await third.close()
  t.same(tallies(), [{ source: 'recorder', isBefore: 0 }, { source: 'host', isBefore: 1 }], 'a host has no log of calls')
})

t.test('calls go with their invocation, and a database of before gets what it lacks', async (t) => {
  const { database, timeline, run } = await record(t, BATCHES)
  await run.complete('done')
  await timeline.close()
  const db = new Sqlite(database)
  t.teardown(() => { db.close() })
  const count = (table: string) => db.prepare(`SELECT count(*) AS n FROM ${table}`).pluck().get()
  db.exec('DELETE FROM task_invocations')
  t.same([count('tool_call'), count('task_file'), count('invocation_activity')], [0, 0, 0])

  db.exec(`DROP TRIGGER timeline_invocation_deleted;
    DROP TABLE tool_call; DROP TABLE task_file; ALTER TABLE invocation_run DROP COLUMN tally;
    CREATE TRIGGER timeline_invocation_deleted AFTER DELETE ON task_invocations BEGIN
      DELETE FROM invocation_activity WHERE invocation_id = OLD.id; END;
    DROP INDEX idx_invocation_activity_invocation;
    CREATE INDEX idx_invocation_activity_invocation ON invocation_activity(invocation_id);
    CREATE INDEX idx_invocation_activity_seq ON invocation_activity(invocation_id, seq)`)
  const again = await openTimeline({ database })
  await again.close()
  const made = db.prepare('SELECT name, sql FROM sqlite_master').all() as Array<{ name: string, sql: string | null }>
  const sqlOf = (name: string) => made.find((one) => one.name === name)?.sql
  t.match(sqlOf('tool_call'), /PRIMARY KEY \(task_id, seq\)/)
  t.match(sqlOf('timeline_invocation_deleted'), /DELETE FROM tool_call/)
  t.match(sqlOf('idx_invocation_activity_invocation'), /\(invocation_id, seq\)/)
  t.equal(sqlOf('idx_invocation_activity_seq'), undefined)
})
