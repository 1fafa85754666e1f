/**
 * A small orchestrator: a Fastify server with the timeline on one side, a runner process with an agent on the other, an
 * SQLite file between them.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { randomUUID } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Fastify from 'fastify'
import agentTimeline from 'fastify-agent-timeline'
import { AGENTS, recognise } from './recording.js'

const HELP = `Usage: npm start -- [options]

  (nothing)                     plays a recorded session, as a process, at its recorded pace
  --recording FILE.stdout.ndjson  plays another one, of ${AGENTS.join(', ')}
  --agent NAME                  runs the real CLI: ${AGENTS.join(', ')}; with --prompt TEXT, --model NAME, --cwd DIR
  --speed N                     plays N times as fast
  --port 3000                   another one is used where it is taken; 0 takes any
  --allowed-host NAME           a name, beside addresses and localhost, under which a proxy asks; may be repeated
  --database FILE               default: a new one in the temporary directory
  --once                        ends after the task`

const options = await readOptions()
const database = options.database ?? join(mkdtempSync(join(tmpdir(), 'agent-timeline-')), 'orchestrator.db')

/** How long the first task waits for somebody to watch it. */
const WAIT_FOR_VIEWER_MS = 6_000

const app = Fastify()
const viewer = new Promise<void>((resolve) => {
  app.addHook('onRequest', async (request) => { if (request.url.startsWith('/api/tasks/')) resolve() })
})
await app.register(agentTimeline, { database, allowedHosts: options['allowed-host'] })
app.get('/', async (_request, reply) => reply.redirect('/timeline/'))
const address = await listen(options.port)

const runners = new Set<ChildProcess>()
let isEnding = false
endOnSignals()
const what = options.agent ?? `a recorded session${options.recording === undefined ? '' : ` (${options.recording})`}`
console.log(`The database is ${database}`)
const url = announce(randomUUID())
await Promise.race([viewer, new Promise((resolve) => setTimeout(resolve, WAIT_FOR_VIEWER_MS))])
await runTask(url)

if (options.once) {
  await app.close()
} else if (process.stdin.isTTY) {
  console.log('Press Enter to run another task, Ctrl+C to end.')
  createInterface({ input: process.stdin }).on('line', () => { void runTask(announce(randomUUID())) })
} else {
  console.log('The server stays up. Ctrl+C ends it.')
}

/** What the command line asks for; ends with a sentence when it cannot be had. */
async function readOptions () {
  try {
    const { values } = parseArgs({
      options: {
        agent: { type: 'string' },
        recording: { type: 'string' },
        prompt: { type: 'string' },
        model: { type: 'string' },
        cwd: { type: 'string' },
        speed: { type: 'string' },
        database: { type: 'string' },
        port: { type: 'string', default: '3000' },
        'allowed-host': { type: 'string', multiple: true, default: [] },
        once: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h' }
      }
    })
    if (values.help === true) {
      console.log(HELP)
      process.exit(0)
    }
    const port = Number(values.port)
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new TypeError('--port is a number from 0 to 65535')
    if (values.speed !== undefined && !(Number(values.speed) > 0)) throw new TypeError('--speed is a number above 0')
    if (values.agent !== undefined && !(AGENTS as readonly string[]).includes(values.agent)) {
      throw new TypeError(`There is no agent ${values.agent}; known are ${AGENTS.join(', ')}`)
    }
    if (values.recording !== undefined) await recognise(values.recording)
    return { ...values, port }
  } catch (error) {
    console.error((error as Error).message)
    process.exit(2)
  }
}

/** Prints where to look. */
function announce (taskId: string): string {
  const page = `${address}/timeline/tasks/${taskId}`
  console.log(`
  Open   ${page}
         and watch the coder's tool calls arrive (${what}), then the reviewer's.
  Or     curl -H 'Accept: text/plain' ${address}/api/tasks/${taskId}/timeline
  All    ${address}/timeline/
`)
  return page
}

/** Runs a task in a process of its own, as orchestrators do, and prints its timeline when it has ended. */
async function runTask (page: string): Promise<void> {
  if (isEnding) return
  const taskId = page.slice(page.lastIndexOf('/') + 1)
  const given = (['agent', 'recording', 'prompt', 'model', 'cwd', 'speed'] as const)
    .flatMap((name) => options[name] === undefined ? [] : [`--${name}`, options[name]])
  const runner = spawn(process.execPath, [
    fileURLToPath(new URL('runner.js', import.meta.url)), '--database', database, '--task', taskId, ...given
  ], { stdio: ['ignore', 'inherit', 'inherit'] })
  runners.add(runner)
  const [code] = await once(runner, 'close')
  runners.delete(runner)
  if (isEnding) return
  if (code !== 0) {
    console.error(`The runner ended with exit code ${code}`)
    process.exitCode = 1
  }
  const { payload } = await app.inject({ url: `/api/tasks/${taskId}/timeline`, headers: { accept: 'text/plain' } })
  console.log(payload)
}

async function listen (port: number): Promise<string> {
  try {
    return await app.listen({ port, host: '127.0.0.1' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    console.log(`Port ${port} is taken, another one is used.`)
    return await app.listen({ port: 0, host: '127.0.0.1' })
  }
}

/** Ends the runners first, so that their agents end with them. */
function endOnSignals (): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, async () => {
      isEnding = true
      const ends = [...runners].map((runner) => new Promise((resolve) => runner.once('close', resolve)))
      for (const runner of runners) runner.kill('SIGTERM')
      await Promise.all(ends)
      await app.close()
      process.exit(0)
    })
  }
}
