import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance, type FastifyServerOptions } from 'fastify'
import type { Test } from 'tap'
import type { Timeline } from '../../lib/open-timeline.js'
import agentTimeline, { type AgentTimelineOptions } from '../../plugins/agent-timeline.js'

/** A folder for the databases of one test. */
export function makeFolder (t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'agent-timeline-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface AppOptions {
  readonly plugin?: AgentTimelineOptions
  readonly server?: FastifyServerOptions
  /** Before the plugin is registered. */
  readonly before?: (app: FastifyInstance) => void
  readonly listen?: boolean
}

/** An application with the plugin, on a new database unless told otherwise; closed with the test. */
export async function makeApp (
  t: Test, { plugin = {}, server = {}, before = () => {}, listen = false }: AppOptions = {}
): Promise<{ readonly app: FastifyInstance, readonly timeline: Timeline }> {
  const database = plugin.projects === undefined ? { database: join(makeFolder(t), 'x.db') } : {}
  const app = Fastify(server)
  t.teardown(() => app.close())
  before(app)
  await app.register(agentTimeline, { ...database, ...plugin })
  if (listen) await app.listen({ port: 0, host: '127.0.0.1' })
  else await app.ready()
  const timeline = plugin.projects === undefined ? await app.agentTimeline.for() : undefined as never
  return { app, timeline }
}

/** Records one coder that says something, uses a tool and ends. */
export async function recordCoder (timeline: Timeline, taskId = 'a', outputs: readonly string[] = ['hello']): Promise<void> {
  await timeline.logInvocation({ taskId, role: 'coder', provider: 'codex', model: 'gpt-4o', prompt: 'Fix it' }, async (run) => {
    const timestamp = new Date()
    for (const message of outputs) run.onActivity({ type: 'output', message, timestamp })
    const call = { callId: 'c1', tool: 'Bash' }
    run.onActivity({
      type: 'tool_exec', message: 'exec: npm test', timestamp, metadata: { ...call, phase: 'start', input: { a: { deep: [1] } } }
    })
    run.onActivity({
      type: 'tool_exec', message: 'exec: npm test', timestamp, metadata: { ...call, phase: 'end', status: 'error', exitCode: 1 }
    })
    return 'Done'
  })
  await timeline.flush()
}
