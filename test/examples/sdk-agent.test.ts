import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { openTimeline } from '../../lib/open-timeline.js'

t.test('an agent without a process is recorded like any other', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'agent-timeline-'))
  t.teardown(() => { rmSync(folder, { recursive: true, force: true }) })
  const database = join(folder, 'x.db')
  const script = fileURLToPath(new URL('../../dist/examples/sdk-agent.js', import.meta.url))
  const printed = execFileSync(process.execPath, [script, '--database', database, '--task', 'a'], { encoding: 'utf8' })
  t.match(printed, /Only verified addresses/)
  const timeline = await openTimeline({ database, create: false })
  t.teardown(() => timeline.close())
  const { invocations } = await timeline.listInvocations()
  const invocation = await timeline.getInvocation(invocations[0]!.id)
  t.match(invocation, {
    taskId: 'a', provider: 'my-sdk', status: 'completed', success: true, usage: { inputTokens: 1200, outputTokens: 80 }
  })
  const ends = invocation!.activities.filter(({ metadata }) => metadata?.phase === 'end')
  t.match(ends.map(({ message, metadata }) => [message, metadata!.status]), [['read: src/login.ts', 'error'], ['search: verified email', 'ok']])
})
