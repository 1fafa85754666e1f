import { join } from 'node:path'
import t from 'tap'
import { openTimeline } from '../../../lib/timeline.js'
import { acp, claude, codex, gemini } from '../../../lib/providers/index.js'
import type { Agent, AgentOptions } from '../../../lib/providers/index.js'
import { makeApp, makeFolder } from '../../plugins/app.js'
import { SseClient } from '../../plugins/sse-client.js'
import { countAcp, countClaude, countCodex, countGemini, type Counted } from './count-tool-calls.js'
import { compileProgram } from './player.js'
import { recording } from './recordings.js'

/*
 * Through everything: recorded bytes played by a process, adapter, recorder, database, stream, a viewer on a socket.
 * What the viewer sees must be what the independent counter finds in the bytes.
 */
interface Subject {
  readonly cli: string
  readonly open: (options: AgentOptions & { command: string }) => Agent
  readonly count: (text: string) => Counted
  readonly names: readonly string[]
  readonly suffix?: string
}

const BASIC = ['main', 'parallel', 'badtool', 'err-401', 'kill-kill-tool']
const traffic = '.traffic.ndjson'
const subjects: Subject[] = [
  { cli: 'claude-2.1.330', open: claude, count: countClaude, names: [...BASIC, 'sub'] },
  { cli: 'codex-0.169.0', open: codex, count: countCodex, names: [...BASIC, 'mcp'] },
  { cli: 'gemini-0.61.0', open: gemini, count: countGemini, names: [...BASIC, 'mcp'] },
  { cli: 'acp-claude-0.101.0', open: acp, count: countAcp, names: ['main', 'parallel', 'err-401'], suffix: traffic },
  { cli: 'acp-codex-2.6.0', open: acp, count: countAcp, names: ['main', 'parallel', 'err-401'], suffix: traffic },
  { cli: 'acp-gemini-0.61.0', open: acp, count: countAcp, names: ['main', 'parallel', 'err-401'], suffix: traffic },
  { cli: 'acp-opencode-1.18.33', open: acp, count: countAcp, names: ['main', 'parallel'], suffix: traffic }
]

const programs = t.testdir()
const player = compileProgram(programs, '../../../examples/player.ts')
const acpPlayer = compileProgram(programs, './acp-player.ts')

for (const { cli, open, count, names, suffix } of subjects) {
  t.test(`${cli}: a viewer sees the tool calls that were recorded`, async (t) => {
    const database = join(makeFolder(t), 'x.db')
    const { app } = await makeApp(t, { plugin: { database }, listen: true })
    const timeline = await openTimeline({ database })
    t.teardown(() => timeline.close())
    for (const name of names) {
      const recorded = suffix === undefined ? recording(cli, name) : recording(cli, name, suffix)
      const args = suffix === undefined ? [player, recorded.file, '--speed', '50'] : [acpPlayer, recorded.file]
      const agent = open({ command: process.execPath, args, env: { NODE_OPTIONS: undefined }, killGraceMs: 300 })
      const stream = SseClient.open(app, `/api/tasks/${name}/stream`)
      const result = await timeline.logInvocation(
        { taskId: name, role: 'coder', provider: agent.name, prompt: 'tour' },
        async ({ onActivity, signal }) => await agent.invoke('tour', { onActivity, signal })
      )
      const viewer = await stream
      await viewer.until(({ frames }) => frames.some(({ data }) => /^invocation\.(completed|failed)$/.test(data.type)))
      const events = viewer.frames.filter(({ id }) => id !== undefined).map(({ data }) => data)
      viewer.destroy()

      const tools = events.filter(({ activityType }) => activityType === 'tool_exec').map(({ metadata }) => metadata)
      const ends = tools.filter(({ phase }) => phase === 'end')
      const counted = count(recorded.stdout.toString())
      const ids = (phase: string): string[] =>
        tools.filter((tool) => tool.phase === phase).map(({ callId }) => callId).sort()
      t.strictSame(viewer.seqs, events.map((_, index) => index + 1), `${name}: every event once, in order`)
      t.strictSame({
        started: new Set(ids('start')).size,
        ended: ends.filter(({ status }) => status !== 'aborted').length,
        failed: ends.filter(({ status }) => status === 'error' || status === 'denied').length
      }, { started: counted.started, ended: counted.answered, failed: counted.failed }, `${name}: ${JSON.stringify(counted)}`)
      t.strictSame(ids('end'), ids('start'), `${name}: each call that starts ends`)
      t.equal(events.at(-1)!.type, result.success ? 'invocation.completed' : 'invocation.failed', name)
    }
  })
}
