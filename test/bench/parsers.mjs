import { readFileSync, readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createAcpAdapter } from '../../dist/lib/providers/acp.js'
import { createActivityLog } from '../../dist/lib/providers/activity-log.js'
import { claudeAdapter } from '../../dist/lib/providers/claude.js'
import { createCodexAdapter } from '../../dist/lib/providers/codex.js'
import { createCommandAdapter } from '../../dist/lib/providers/command.js'
import { geminiAdapter } from '../../dist/lib/providers/gemini.js'
import { readLines } from '../../dist/lib/providers/read-lines.js'
import { alternate, median } from './measure.mjs'

const MEGABYTES = 48
/** What a pipe gives at a time. */
const CHUNK_BYTES = 65_536
const transcripts = new URL('../fixtures/transcripts/', import.meta.url)

/** Recorded streams through each parser, as a run reads them: from chunks to activities. */
export async function parsers () {
  const text = streamOf('claude-2.1.330', stdout)
  const contenders = {
    claude: [claudeAdapter, text],
    codex: [createCodexAdapter(), streamOf('codex-0.169.0', stdout)],
    gemini: [geminiAdapter, streamOf('gemini-0.61.0', stdout)],
    acp: [createAcpAdapter({}), streamOf('acp-codex-2.6.0', spoken)],
    command: [createCommandAdapter('any', 'any'), text]
  }
  const holds = Object.fromEntries(Object.keys(contenders).map((name) => [name, { wall: [], cpu: [] }]))
  const speeds = await alternate(Object.fromEntries(Object.entries(contenders).map(([name, [adapter, stream]]) => [
    name, async () => {
      const { megabytesPerSecond, hold } = await parse(adapter, stream)
      holds[name].wall.push(hold.wall)
      holds[name].cpu.push(hold.cpu)
      return megabytesPerSecond
    }
  ])))
  console.log(`Parsers (${MEGABYTES} MB of recorded sessions each, in chunks of 64 KiB, all activities made)`)
  for (const name of Object.keys(contenders)) {
    const range = `${Math.min(...speeds[name]).toFixed(0)} – ${Math.max(...speeds[name]).toFixed(0)}`
    const speed = `${median(speeds[name]).toFixed(0).padStart(5)} MB/s (${range})`
    const { wall, cpu } = holds[name]
    const held = `${median(cpu).toFixed(1)} ms of CPU (${median(wall).toFixed(1)} ms on the clock)`
    console.log(`  ${name.padEnd(10)} ${speed.padEnd(28)} longest hold of the event loop ${held}`)
  }
}

async function parse (adapter, bytes) {
  let activities = 0
  const log = createActivityLog({
    onActivity: () => { activities++ }, warn () {}, clock: Date.now, monotonicClock: () => performance.now()
  })
  const state = adapter.start({})
  // Without an agent to talk to, only what it tells is read.
  const receive = ({ method, params }) => method === undefined ? undefined : { method, params }
  if (adapter.name === 'acp') state.connection = { receive }
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) },
    (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))
  const watch = watchTurns()
  const startedAt = performance.now()
  await readLines(Readable.from(chunks), { onChunk () {}, onLine: (line) => { adapter.line(line, state, log) } })
  const seconds = (performance.now() - startedAt) / 1000
  const hold = watch.stop()
  if (activities === 0) throw new Error(`${adapter.name} made nothing of ${bytes.length} bytes`)
  return { megabytesPerSecond: bytes.length / 1e6 / seconds, hold }
}

/**
 * The longest turn of the event loop: on the clock, where a busy machine takes its share, and of this process's CPU.
 */
function watchTurns () {
  const longest = { wall: 0, cpu: 0 }
  let at = performance.now()
  let used = process.cpuUsage()
  let isOver = false
  const turn = () => {
    const { user, system } = process.cpuUsage(used)
    longest.wall = Math.max(longest.wall, performance.now() - at)
    longest.cpu = Math.max(longest.cpu, (user + system) / 1000)
    at = performance.now()
    used = process.cpuUsage()
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop () {
      isOver = true
      return longest
    }
  }
}

/** All recordings of one CLI, again and again. */
function streamOf (cli, read) {
  const folder = new URL(`${cli}/`, transcripts)
  const once = Buffer.concat(readdirSync(folder).map((name) => read(name, folder)))
  const times = Math.ceil(MEGABYTES * 1e6 / once.length)
  return Buffer.concat(Array.from({ length: times }, () => once))
}

function stdout (name, folder) {
  return name.endsWith('.stdout.ndjson') ? readFileSync(new URL(name, folder)) : Buffer.alloc(0)
}

/** The agent's half of a conversation. */
function spoken (name, folder) {
  if (!name.endsWith('.traffic.ndjson')) return Buffer.alloc(0)
  const lines = readFileSync(new URL(name, folder), 'utf8').trim().split('\n').map((line) => JSON.parse(line))
  const own = lines.filter(({ dir }) => dir === 'agent->client').map(({ msg }) => JSON.stringify({ jsonrpc: '2.0', ...msg }))
  return Buffer.from(own.map((line) => `${line}\n`).join(''))
}
