import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import agentTimeline from 'fastify-agent-timeline'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { alternate, isSmoke } from './measure.mjs'

/** Activities, each call two of them; every log has two events more. */
const SIZES = { small: isSmoke ? 100 : 1_000, large: isSmoke ? 1_000 : 1_000_000 }
const REQUESTS = isSmoke ? 2 : 50
const KINDS = ['shell', 'test', 'edit', 'read']
/** What waits to be written stays within the queue. */
const CALLS_A_FLUSH = 10_000
const MAX_CPU_MS = 10

const ANSWERS = {
  'The summary': ['tasks/t/summary', ({ summary }) => summary.calls.total],
  'The list of tasks': ['tasks', ({ tasks }) => tasks.length],
  'The overview': ['tasks/t/overview', ({ overview }) => overview.lanes[0].bins.length]
}

/** What the answers about a task cost a server, by the length of the task; over Fastify, without a network. */
export async function answers () {
  const directory = mkdtempSync(join(tmpdir(), 'agent-timeline-bench-'))
  const app = Fastify()
  try {
    const projects = {}
    for (const [name, count] of Object.entries(SIZES)) {
      projects[`/${name}`] = join(directory, `${name}.db`)
      await record(projects[`/${name}`], count / 2)
    }
    await app.register(agentTimeline, { projects, ui: false })
    const tables = []
    for (const [title, [path, sizeOf]] of Object.entries(ANSWERS)) {
      const measure = (name) => async () => {
        const before = process.cpuUsage()
        for (let request = 0; request < REQUESTS; request++) {
          const response = await app.inject(`/api/timeline/${path}?project=/${name}`)
          if (response.statusCode !== 200 || !(sizeOf(response.json()) > 0)) throw new Error(`a wrong answer: ${response.body.slice(0, 200)}`)
        }
        const { user, system } = process.cpuUsage(before)
        return (user + system) / 1000 / REQUESTS
      }
      tables.push({
        title: `${title} of ${events('large')} beside ${events('small')}`,
        metric: 'CPU of each',
        unit: 'ms',
        figures: await alternate({ [events('large')]: measure('large'), [events('small')]: measure('small') }),
        isHigherBetter: false,
        target: {
          text: `within 1.5 x, < ${MAX_CPU_MS} ms`,
          isMet: ({ ours, ratios }) => Object.values(ratios)[0] >= 1 / 1.5 && ours < MAX_CPU_MS
        }
      })
    }
    return tables
  } finally {
    await app.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A run that goes on, whose calls fill all stretches of its picture, whatever their number. */
async function record (database, calls) {
  const timeline = await openTimeline({ database })
  const run = await timeline.startInvocation({ taskId: 't', title: 'Long', role: 'coder', provider: 'claude', model: 'm' })
  for (let call = 0; call < calls; call++) {
    const about = { callId: `toolu_${call}`, tool: 'T', toolKind: KINDS[call % KINDS.length] }
    const message = `exec: npm test -- part ${call % 100}`
    const isLong = call % Math.ceil(calls / 40) === 0
    run.activity({ type: 'tool_exec', message, timestamp: new Date(), metadata: { ...about, phase: 'start' } })
    run.activity({
      type: 'tool_exec',
      message,
      timestamp: new Date(),
      metadata: { ...about, phase: 'end', status: call % 9 === 0 ? 'error' : 'ok', durationMs: isLong ? 400_000 : 20, files: [{ path: `src/${call % 150}.ts`, added: 1, removed: 1 }] }
    })
    if (call % CALLS_A_FLUSH === 0) await timeline.flush()
  }
  await timeline.flush()
  await run.complete({ success: true, response: 'done', usage: { inputTokens: 1, outputTokens: 1, costUsd: 1 } })
  await timeline.close()
}

function events (name) {
  return `${SIZES[name].toLocaleString('en-US')} events`
}
