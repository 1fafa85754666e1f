/**
 * The runner process of the example: one task through coder and reviewer, each invocation recorded.
 *
 *     node runner.js --database FILE --task ID [--agent claude | --recording FILE] [--speed N]
 */
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import * as providers from 'fastify-agent-timeline/providers'
import type { Agent, InvocationResult } from 'fastify-agent-timeline/providers'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { recognise } from './recording.js'

const { values: options } = parseArgs({
  options: {
    database: { type: 'string', default: './orchestrator.db' },
    task: { type: 'string', default: 'example' },
    agent: { type: 'string' },
    recording: { type: 'string' },
    prompt: { type: 'string' },
    model: { type: 'string' },
    cwd: { type: 'string' },
    speed: { type: 'string', default: '1' }
  }
})

const TITLE = 'Verify social login only accepts provider-verified emails'
const TASKS = {
  coder: options.prompt ?? `${TITLE}. Look around first, then change what is needed and run the tests.`,
  reviewer: options.prompt ?? `Review the last change: ${TITLE}. Do not edit anything.`
}
const RECORDINGS = {
  coder: recording('claude-2.1.330/main'),
  reviewer: recording('claude-2.1.330/parallel')
}

const timeline = await openTimeline({ database: options.database, closeOnSignal: true })
const task = { taskId: options.task, actor: 'orchestrator' }
try {
  await timeline.recordTaskEvent({ ...task, type: 'task.started', message: 'Task marked in_progress' })
  const coded = await run('coder')
  if (coded.success) {
    await timeline.recordTaskEvent({ ...task, type: 'task.review', message: 'Task moved to review phase' })
    const reviewed = await run('reviewer')
    const end = reviewed.success ? 'completed' : 'failed'
    await timeline.recordTaskEvent({ ...task, type: `task.${end}`, message: `Task ${end}` })
  } else {
    await timeline.recordTaskEvent({ ...task, type: 'task.failed', message: `Coder failed: ${coded.error}` })
  }
} catch (error) {
  const { message } = error as Error
  await timeline.recordTaskEvent({ ...task, type: 'task.failed', message })
  console.error(message)
  process.exitCode = 1
} finally {
  await timeline.close()
}

/** Runs one agent and records it while it runs: this is all that an orchestrator has to add. */
async function run (role: 'coder' | 'reviewer'): Promise<InvocationResult> {
  const { agent, model } = await chooseAgent(role)
  const prompt = TASKS[role]
  return await timeline.logInvocation(
    { taskId: options.task, title: TITLE, role, provider: agent.name, ...defined({ model }), prompt },
    async ({ onActivity, onProcess, signal }) => {
      const real = options.agent === undefined ? {} : { model, cwd: options.cwd }
      const result = await agent.invoke(prompt, { ...defined(real), onActivity, onProcess, signal })
      return role === 'reviewer' && result.success ? { ...result, outcome: 'approved' } : result
    }
  )
}

/** The user's real CLI, or a recording of one, played as a process through the same adapter. */
async function chooseAgent (role: 'coder' | 'reviewer'): Promise<{ agent: Agent, model: string | undefined }> {
  if (options.agent !== undefined) return { agent: adapter(options.agent)(), model: options.model }
  const file = role === 'coder' ? options.recording ?? RECORDINGS.coder : RECORDINGS.reviewer
  const player = fileURLToPath(new URL('player.js', import.meta.url))
  const { name, model } = await recognise(file)
  const args = [player, file, '--speed', options.speed]
  return { agent: adapter(name)({ command: process.execPath, args }), model: options.model ?? model }
}

function adapter (name: string): (options?: { command: string, args: string[] }) => Agent {
  const found = (providers as Record<string, unknown>)[name]
  if (typeof found !== 'function') {
    throw new Error(`There is no agent ${name}; known are ${Object.keys(providers).join(', ')}`)
  }
  return found as () => Agent
}

function recording (path: string): string {
  return fileURLToPath(new URL(`../../test/fixtures/transcripts/${path}.stdout.ndjson`, import.meta.url))
}

function defined<T extends object> (value: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as T
}
