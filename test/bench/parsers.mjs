import { readFileSync, readdirSync } from 'node:fs'
import { Readable } from 'node:stream'
import { createAcpAdapter } from '../../dist/lib/providers/acp/acp.js'
import { createActivityLog } from '../../dist/lib/providers/activity-log.js'
import { claudeAdapter } from '../../dist/lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../dist/lib/providers/codex/codex.js'
import { createCommandAdapter } from '../../dist/lib/providers/command.js'
import { geminiAdapter } from '../../dist/lib/providers/gemini/gemini.js'
import { readLines } from '../../dist/lib/providers/process/read-lines.js'
import { alternate, figuresOf, isSmoke } from './measure.mjs'

const MEGABYTES = isSmoke ? 1 : 48
/** What a pipe gives at a time. */
const CHUNK_BYTES = 65_536
const transcripts = new URL('../fixtures/transcripts/', import.meta.url)

/** Recorded streams through each parser, from chunks to activities as in a run; beside it, the lines as JSON. */
export async function parsers () {
  const text = streamOf('claude-2.1.330', stdout)
  const contenders = {
    claude: [claudeAdapter, text],
    codex: [createCodexAdapter(), streamOf('codex-0.169.0', stdout)],
    gemini: [geminiAdapter, streamOf('gemini-0.61.0', stdout)],
    acp: [createAcpAdapter({}), streamOf('acp-codex-2.6.0', spoken)],
    command: [createCommandAdapter('any', 'any'), text]
  }
  const tables = []
  for (const [name, [adapter, stream]] of Object.entries(contenders)) {
    const seen = await alternate({
      [`the parser of ${name}`]: () => parse(adapter, stream),
      'JSON.parse of each line': () => read(stream, (line) => { parseJson(line.text) })
    })
    const title = `Parser of ${name}, ${MEGABYTES} MB of recorded sessions`
    const speed = figuresOf(seen, 'megabytesPerSecond')
    tables.push(
      { title, metric: 'speed', unit: 'MB/s', figures: speed, isHigherBetter: true },
      { title, metric: 'longest hold of the event loop, CPU', unit: 'ms', figures: figuresOf(seen, 'holdMs'), isHigherBetter: false }
    )
  }
  return tables
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
  const figures = await read(bytes, (line) => { adapter.line(line, state, log) })
  if (activities === 0) throw new Error(`${adapter.name} made nothing of ${bytes.length} bytes`)
  return figures
}

async function read (bytes, onLine) {
  const chunks = Array.from({ length: Math.ceil(bytes.length / CHUNK_BYTES) },
    (_, index) => bytes.subarray(index * CHUNK_BYTES, (index + 1) * CHUNK_BYTES))
  const watch = watchTurns()
  const startedAt = performance.now()
  await readLines(Readable.from(chunks), { onChunk () {}, onLine })
  const seconds = (performance.now() - startedAt) / 1000
  return { megabytesPerSecond: bytes.length / 1e6 / seconds, holdMs: watch.stop() }
}

function parseJson (text) {
  try {
    JSON.parse(text)
  } catch {
    // Some lines are none.
  }
}

/** The longest turn of the event loop, in this process's CPU: on the clock a busy machine would take its share. */
function watchTurns () {
  let longestMs = 0
  let used = process.cpuUsage()
  let isOver = false
  const turn = () => {
    const { user, system } = process.cpuUsage(used)
    longestMs = Math.max(longestMs, (user + system) / 1000)
    used = process.cpuUsage()
    if (!isOver) setImmediate(turn)
  }
  setImmediate(turn)
  return {
    stop () {
      isOver = true
      return longestMs
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
