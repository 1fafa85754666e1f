import { readFileSync, renameSync, rmSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Sqlite from 'better-sqlite3'
import t, { type Test } from 'tap'
import type { TimelineEvent } from '../../../lib/model/events.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { temporaryDirectory } from '../../support/host-database.js'
import { Logs } from '../../support/logs.js'

const GUIDE = readFileSync(new URL('../../../docs/integration.md', import.meta.url), 'utf8')
const PACKAGE = fileURLToPath(new URL('../../../', import.meta.url))

function remove (path: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true })
}

/** As the guide has it, in a process of its own. */
function restoreByTheGuide (path: string, backup: string): void {
  const [, code = ''] = /## Restoring a backup[\s\S]*?```js\n([\s\S]*?)```/.exec(GUIDE) ?? []
  const script = code.replaceAll("'./orchestrator.db'", JSON.stringify(path)).replaceAll("'./backup.db'", JSON.stringify(backup))
  execFileSync(process.execPath, ['--input-type=module', '--eval', script], { cwd: PACKAGE })
}

const WAYS: Readonly<Record<string, (path: string, backup: string) => void>> = {
  'restored by the guide': restoreByTheGuide,
  'replaced by a rename' (path, backup) {
    remove(path)
    renameSync(backup, path)
  },
  'deleted and made anew' (path) {
    remove(path)
    new Sqlite(path).exec('PRAGMA journal_mode = WAL').close()
  }
}

async function setUp (t: Test) {
  const path = join(temporaryDirectory(t), 'x.db')
  const logs = new Logs()
  const open = async () => {
    const timeline = await openTimeline({ database: path, logger: logs, runnerHeartbeatIntervalMs: 100 })
    t.teardown(() => timeline.close())
    return timeline
  }
  const timeline = await open()
  await timeline.logInvocation({ taskId: 'a', role: 'coder', provider: 'x' }, async () => 'old')
  const backup = join(dirname(path), 'backup.db')
  await new Sqlite(path).backup(backup)
  return { path, backup, logs, timeline, open }
}

const show = (event: TimelineEvent) => 'activity' in event ? event.activity : event.type
const codes = (logs: Logs) => logs.warnings.map(({ code }) => code)

for (const [name, replace] of Object.entries(WAYS)) {
  t.test(`the rest of a run is recorded into the database that was ${name}, which is told once`, async (t) => {
    const { path, backup, logs, timeline, open } = await setUp(t)
    const run = await timeline.startInvocation({ taskId: 'a', title: 'Title', role: 'coder', provider: 'x' })
    const idle = await timeline.startInvocation({ taskId: 'b', role: 'reviewer', provider: 'x' })
    run.activity({ type: 'progress', message: 'before', timestamp: new Date() })
    await timeline.flush()
    const epochs = () => new Sqlite(path, { readonly: true }).prepare("SELECT epoch FROM task_stream WHERE task_id = 'a'").pluck().all()
    const [epoch] = epochs()
    replace(path, backup)
    run.activity({ type: 'progress', message: 'after', timestamp: new Date() })
    await timeline.flush()
    await run.complete('done')
    await idle.complete('done')
    const reader = await open()
    const { task, timeline: events } = await reader.getTimeline('a')
    t.equal(task.title, 'Title')
    const shown = events.map(show)
    t.same(shown.slice(shown.lastIndexOf('invocation.started')).filter((text) => !text.startsWith('The database was')),
      ['invocation.started', 'after', 'invocation.completed'])
    t.equal(shown.filter((text) => text.startsWith('The database was replaced')).length, 1)
    t.same(events.map(({ seq }) => seq), events.map((_, index) => index + 1), 'dense')
    t.equal((await reader.getInvocation(run.id!))?.status, 'completed', 'by the id that it has now')
    t.equal((await reader.getTimeline('b')).timeline.at(-1)?.type, 'invocation.completed', 'the one that was silent, too')
    t.not(epochs()[0], epoch, 'viewers are told that it is another log')
    t.equal(codes(logs).filter((code) => code === 'AGENT_TIMELINE_DATABASE_REPLACED').length, 1)
  })
}

t.test('a run that is in the backup goes on in it', async (t) => {
  const { path, logs, timeline, open } = await setUp(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'x' })
  const backup = join(dirname(path), 'later.db')
  await new Sqlite(path).backup(backup)
  run.activity({ type: 'progress', message: 'lost', timestamp: new Date() })
  await timeline.flush()
  const { id } = run
  restoreByTheGuide(path, backup)
  await run.complete('done')
  t.equal(run.id, id)
  const events = (await (await open()).getTimeline('a')).timeline
  t.same(events.filter((event) => 'invocationId' in event && event.invocationId === id).map(({ type }) => type)
    .filter((type) => type !== 'invocation.activity'), ['invocation.started', 'invocation.completed'])
  t.ok(codes(logs).includes('AGENT_TIMELINE_DATABASE_REPLACED'))
})

t.test('an invocation that the host deleted is not recorded anew', async (t) => {
  const { path, logs, timeline } = await setUp(t)
  const run = await timeline.startInvocation({ taskId: 'a', role: 'coder', provider: 'x' })
  new Sqlite(path).exec('DELETE FROM task_invocations')
  run.activity({ type: 'progress', message: 'after', timestamp: new Date() })
  await run.complete().catch(() => {})
  t.same((await timeline.listInvocations()).invocations, [])
  t.notOk(codes(logs).includes('AGENT_TIMELINE_DATABASE_REPLACED'))
})
