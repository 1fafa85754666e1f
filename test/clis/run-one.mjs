// Runs one scenario with the real CLI and with its recording, and prints as JSON what differs. Started by index.mjs.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as providers from 'fastify-agent-timeline/providers'
import { CLIS, writeProject } from './clis.mjs'
import { startModelServer } from './model-server.mjs'
import { SCENARIOS, TOKENS, scriptsFor } from './scripts.mjs'
import { differences, viewOf } from './view.mjs'

const RUN_MS = 120_000
const [name, scenario, folder, bin] = process.argv.slice(2)
const { script, refuses = false } = SCENARIOS[scenario]
const { api, configure, version } = CLIS[name]
const [project, home] = ['proj', 'home'].map((part) => join(folder, part))
mkdirSync(home, { recursive: true })
writeProject(project)

const server = await startModelServer(api, { scripts: scriptsFor(project), refuses })
const options = { command: join(bin, name), cwd: project, env: { HOME: home, ...configure(home, server.url) } }
const live = await run(providers[name](options), `[[script:${script}]] Please tour the project.`)
server.close()

const root = new URL('../../', import.meta.url)
const file = fileURLToPath(new URL(`test/fixtures/transcripts/${name}-${version}/${scenario}.stdout.ndjson`, root))
const player = fileURLToPath(new URL('dist/examples/player.js', root))
const playing = { command: process.execPath, args: [player, file, '--speed', '1000'] }
const recorded = await run(providers[name](playing), 'tour')

const found = differences(viewOf(recorded, project), viewOf(live, project))
const asked = server.requests.filter(({ isAnswered }) => isAnswered).length
const faults = server.requests.flatMap(({ error }) => error ?? [])
found.push(...figures(live.result.usage, asked), ...faults)
const calls = live.activities.filter(({ metadata }) => metadata?.phase === 'start').length
console.log(JSON.stringify({ found, calls, asked, durationMs: live.result.durationMs, stderr: live.result.stderrTail }))

async function run (agent, prompt) {
  const activities = []
  const onActivity = (activity) => { activities.push(activity) }
  const result = await agent.invoke(prompt, { timeout: RUN_MS, onActivity })
  return { activities, result }
}

/** The tokens of the run are those that the stand-in said, added up over its answers. */
function figures (usage, asked) {
  if (usage === undefined) return []
  const expected = { inputTokens: TOKENS.input, cacheReadTokens: TOKENS.cached, outputTokens: TOKENS.output }
  return Object.entries(expected).filter(([key, each]) => (usage[key] ?? 0) !== each * asked)
    .map(([key, each]) => `${key} is ${usage[key]} after ${asked} answers of ${each}`)
}
