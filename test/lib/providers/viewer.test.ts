import { join } from 'node:path'
import t from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import { openTimeline } from '../../../lib/open-timeline.js'
import { acp, claude, codex, gemini } from '../../../lib/providers/index.js'
import type { Agent, AgentOptions } from '../../../lib/providers/index.js'
import { makeApp, makeFolder } from '../../plugins/app.js'
import { SseClient } from '../../plugins/sse-client.js'
import { adapters, callsOf, printed, readersOf } from './cases.js'
import { countAcp, countClaude, countCodex, countGemini, type Counted } from './count-tool-calls.js'
import { compileProgram } from './player.js'
import { read, recording } from './recordings.js'
import { reportedCases } from './reported-cases.js'
import { versionCases } from './version-cases.js'

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

/*
 * The tables of cases through recorder, database, routes and stream: a viewer must see what the adapter made of them.
 */
t.test('what the cases come to is what a viewer sees', async (t) => {
  const database = join(makeFolder(t), 'x.db')
  const { app } = await makeApp(t, { plugin: { database }, listen: true })
  const timeline = await openTimeline({ database })
  t.teardown(() => timeline.close())
  const cases = [...reportedCases, ...versionCases]
  for (const [at, one] of cases.entries()) {
    const [reader] = readersOf(one)
    const { activities, result } = read(adapters[reader!](), printed(one))
    const taskId = `case-${at}`
    await timeline.logInvocation({ taskId, role: 'coder', provider: reader!, prompt: 'x' }, async ({ onActivity }) => {
      for (const activity of activities) onActivity({ ...activity, timestamp: new Date() })
      return result
    })
    const viewer = await SseClient.open(app, `/api/tasks/${taskId}/stream`)
    await viewer.until(({ frames }) => frames.some(({ data }) => /^invocation\.(completed|failed|timeout)$/.test(data.type)))
    const events = viewer.frames.filter(({ id }) => id !== undefined).map(({ data }) => data)
    viewer.destroy()
    const { invocation } = (await app.inject(`/api/invocations/${events[0]!.invocationId}`)).json()
    const told = events.filter(({ type }) => type === 'invocation.activity')
    const seen = told.map(({ activity, activityType, metadata, timestamp }): InvocationActivity =>
      ({ type: activityType, message: activity, timestamp: new Date(timestamp), ...(metadata && { metadata }) }))

    t.strictSame(callsOf(seen), callsOf(activities), `${one.name}: calls`)
    // What is longer than the caps is cut, and pieces that belong together are joined.
    const isWhole = activities.every(({ message }) => message.length < 10_000)
    if (isWhole) t.equal(textOf(seen), textOf(activities), `${one.name}: texts`)
    t.equal(events.at(-1)!.type, result.success ? 'invocation.completed' : 'invocation.failed', `${one.name}: outcome`)
    t.strictSame(pick(invocation), pick(result as never), `${one.name}: usage, exit and reason`)
  }
})

/** What the agent said, and what went wrong. */
function textOf (activities: readonly InvocationActivity[]): string {
  return activities.filter(({ type }) => type === 'output' || type === 'error').map(({ message }) => message).join('')
}

/** The same in a result and in an answer of the API, where members are left out or null. */
function pick (about: Record<string, unknown>): Record<string, unknown> {
  const names = ['usage', 'exitCode', 'reason', 'sessionId', 'model'] as const
  return Object.fromEntries(names.map((name) => [name, about[name] ?? null]))
}
