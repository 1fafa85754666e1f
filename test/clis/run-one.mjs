// Runs one scenario with the real CLI and with its recording, and prints as JSON what differs. Started by index.mjs.
import { existsSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as providers from 'fastify-agent-timeline/providers'
import { createAgent } from '../../dist/lib/providers/agent.js'
import { knownFormats } from '../../dist/lib/providers/formats.js'
import { createRecognisingAdapter } from '../../dist/lib/providers/recognise.js'
import { CLIS, writeProject } from './clis.mjs'
import { startModelServer } from './model-server.mjs'
import { SCENARIOS, TOKENS, scriptsFor } from './scripts.mjs'
import { differences, viewOf } from './view.mjs'

const RUN_MS = 120_000
const [name, scenario, folder, bin] = process.argv.slice(2)
const { script, refuses = false } = SCENARIOS[scenario]
const { api, args, acp, configure, version, recorded = version, command = name } = CLIS[name]
const isAcp = command !== name
const [project, home] = ['proj', 'home'].map((part) => join(folder, part))
mkdirSync(home, { recursive: true })
writeProject(project)

const server = await startModelServer(api, { scripts: scriptsFor(project), refuses })
const prompt = `[[script:${script}]] Please tour the project.`
const options = { command: join(bin, command), cwd: project, env: { HOME: home, ...configure(home, server.url) } }
const live = await run(agentOf(), prompt)
server.close()

const differing = await compare()
const found = [...differing ?? []]
const asked = server.requests.filter(({ isAnswered, isTurn }) => isAnswered && isTurn).length
// Gemini CLI counts its question to a small model, too: how hard the request is.
const counted = name === 'gemini' ? server.requests.filter(({ isAnswered }) => isAnswered).length : asked
const faults = server.requests.flatMap(({ error }) => error ?? [])
found.push(...figures(live.result.usage, counted), ...faults)
const ends = live.activities.filter(({ metadata }) => metadata?.phase === 'end').map(({ metadata }) => metadata)
const { success, response, error, reason, usage, exitCode, durationMs, stderrTail } = live.result
console.log(JSON.stringify({
  found,
  isRecorded: differing !== undefined,
  calls: ends.length,
  failedCalls: ends.filter(({ status }) => status !== 'ok').length,
  exitCodes: ends.filter(({ exitCode }) => exitCode !== undefined).length,
  texts: live.activities.filter(({ type }) => type === 'output').map(({ message }) => message).join('').length,
  outcome: success ? 'success' : `failed, \`${reason}\``,
  said: success ? response : error,
  usage,
  exitCode,
  asked,
  durationMs,
  stderr: stderrTail
}))

/** Ours for it, or the one that recognises by what is printed. */
function agentOf () {
  if (isAcp) return providers.acp({ ...options, args: acp })
  return args === undefined ? providers[name](options) : recognising({ ...options, args: () => args(prompt) })
}

function recognising (options) {
  return createAgent(createRecognisingAdapter(['agent'], knownFormats()), options)
}

/** What differs from the recording; undefined where there is none. */
async function compare () {
  if (isAcp) return undefined
  const root = new URL('../../', import.meta.url)
  const file = fileURLToPath(new URL(`test/fixtures/transcripts/${name}-${recorded}/${scenario}.stdout.ndjson`, root))
  if (!existsSync(file)) return undefined
  const player = fileURLToPath(new URL('dist/examples/player.js', root))
  const playing = { command: process.execPath, args: [player, file, '--speed', '1000'] }
  const before = await run(args === undefined ? providers[name](playing) : recognising(playing), 'tour')
  return differences(viewOf(before, project), viewOf(live, project))
}

async function run (agent, prompt) {
  const activities = []
  const onActivity = (activity) => { activities.push(activity) }
  const result = await agent.invoke(prompt, { timeout: RUN_MS, onActivity })
  return { activities, result }
}

/** The tokens of the run are those that the stand-in said, added up over its answers. */
function figures (usage, asked) {
  if (usage === undefined) return []
  // opencode counts what came from the cache apart, and over ACP tells the cost alone.
  if (usage.inputTokens === undefined) return []
  const input = name === 'opencode' ? TOKENS.input - TOKENS.cached : TOKENS.input
  const expected = { inputTokens: input, cacheReadTokens: TOKENS.cached, outputTokens: TOKENS.output }
  return Object.entries(expected).filter(([key, each]) => (usage[key] ?? 0) !== each * asked)
    .map(([key, each]) => `${key} is ${usage[key]} after ${asked} answers of ${each}`)
}
