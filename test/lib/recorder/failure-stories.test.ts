import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { FAILURE_CATALOGUE } from '../../../lib/insight/failure-catalogue.js'
import { FAILURE_CODES, type Failure, type FailureCode } from '../../../lib/model/failure.js'
import { openTimeline, type Timeline } from '../../../lib/open-timeline.js'
import type { Agent, CliAdapter } from '../../../lib/providers/adapter.js'
import { createAgent } from '../../../lib/providers/agent.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { knownFormats } from '../../../lib/providers/formats.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { acp, command } from '../../../lib/providers/index.js'
import { createRecognisingAdapter } from '../../../lib/providers/recognise.js'
import { temporaryDirectory } from '../../support/host-database.js'

/** A run as its program printed it, and what a person who reads it takes for the reason. */
interface Told {
  readonly name: string
  readonly cli: 'claude' | 'codex' | 'gemini' | 'command' | 'acp' | 'spawn' | 'thrown' | 'closed'
  readonly stdout: ReadonlyArray<string | object>
  readonly stderr?: string
  readonly exit: number | null
  readonly signal?: string
  /** Why the recorder's process ended it. */
  readonly stop?: 'timeout' | 'silence' | 'aborted'
  readonly command?: readonly string[]
  readonly result?: object
  readonly error?: { readonly name: string, readonly message: string }
  /** What an agent over ACP answers to the prompt. */
  readonly acp?: object
  readonly code?: string
  readonly class?: string
  readonly first?: string
}

const { failing, healthy } = JSON.parse(readFileSync(new URL('../../fixtures/failures/runs.json', import.meta.url), 'utf8')) as {
  readonly failing: readonly Told[], readonly healthy: readonly Told[]
}

/** Milliseconds, of runs that are ended from outside: long after they have printed all. */
const STOP_MS = 1_500
const AT_ONCE = 16

/** Prints what it is given at each request of the protocol. */
const ACP_AGENT = `
const [updates, answer] = JSON.parse(process.argv[1])
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n')
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method } = JSON.parse(line)
  if (method === 'initialize') return send({ id, result: { protocolVersion: 1, agentCapabilities: {}, authMethods: [] } })
  if (method === 'session/new') return send({ id, result: { sessionId: 's' } })
  if (method !== 'session/prompt') return id === undefined || send({ id, result: {} })
  for (const update of updates) send({ method: 'session/update', params: { sessionId: 's', update } })
  send({ id, ...answer })
})`

function adapterOf ({ cli, command = [] }: Told): CliAdapter<any> {
  if (cli === 'claude') return claudeAdapter
  if (cli === 'codex') return createCodexAdapter()
  return cli === 'gemini' ? geminiAdapter : createRecognisingAdapter(command, knownFormats())
}

/** The program of a run: prints what was printed, and ends as it ended, or stays until somebody ends it. */
function agentOf (told: Told, folder: string): Agent {
  const { cli, command: words = [], stdout, stderr = '', exit, signal, stop } = told
  if (cli === 'spawn') return command({ command: words[0] as string, args: words.slice(1) })
  if (cli === 'acp') return acp({ command: process.execPath, args: ['-e', ACP_AGENT, JSON.stringify([stdout, told.acp])] })
  const lines = stdout.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('')
  const paths = [lines, stderr].map((text, at) => {
    const path = join(folder, `${told.name}.${at}`)
    writeFileSync(path, text)
    return path
  })
  const end = stop !== undefined ? 'exec sleep 60' : signal !== undefined ? `kill -${signal.slice(3)} $$` : `exit ${exit}`
  const script = `cat "$1"; cat "$2" >&2; ${end}`
  return createAgent(adapterOf(told), { command: 'sh', args: () => ['-c', script, 'sh', ...paths] })
}

/** Has it recorded as a host has its agents recorded. @returns the id of the run */
async function record (timeline: Timeline, told: Told, folder: string): Promise<number> {
  const { cli, command: words = [], stop } = told
  const provider = cli === 'command' ? words[0] as string : cli
  const run = await timeline.startInvocation({ taskId: told.name, role: 'coder', provider })
  if (cli === 'thrown') {
    if (told.error === undefined) await run.complete(told.result as never)
    else await run.fail(Object.assign(new Error(told.error.message), { name: told.error.name }))
  } else if (cli !== 'closed') {
    const aborting = new AbortController()
    const limit = stop === 'timeout' ? { timeout: STOP_MS } : stop === 'silence' ? { silenceTimeout: STOP_MS } : {}
    await agentOf(told, folder).invoke('', {
      ...limit,
      signal: aborting.signal,
      onActivity (activity) {
        run.activity(activity)
        if (stop === 'aborted') aborting.abort()
      }
    }).then((result) => run.complete(result), (error) => run.fail(error))
  }
  return run.id as number
}

async function failuresOf (t: Test, all: readonly Told[]): Promise<ReadonlyMap<Told, Failure | undefined>> {
  const folder = temporaryDirectory(t)
  const database = join(folder, 'x.db')
  const timeline = await openTimeline({ database })
  const waiting = [...all.entries()]
  const ids: number[] = []
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      ids[next[0]] = await record(timeline, next[1], folder)
    }
  }))
  await timeline.close()
  const reader = await openTimeline({ database })
  t.teardown(() => reader.close())
  const found = await Promise.all(ids.map((id) => reader.getInvocation(id)))
  return new Map(all.map((told, at) => [told, found[at]?.failure]))
}

/** What is said of the cause, wherever it is said. */
const wordsOf = ({ summary, firstError }: Failure): string =>
  `${summary}\n${firstError?.message ?? ''}\n${firstError?.location?.file ?? ''}:${firstError?.location?.line ?? ''}`

t.test('failures as their programs told them get the code, the class and the cause that a reader gives them', async (t) => {
  const wrong: string[] = []
  const codes = new Map<string, number>()
  for (const [told, failure] of await failuresOf(t, failing)) {
    codes.set(told.code as string, (codes.get(told.code as string) ?? 0) + 1)
    const usual = FAILURE_CATALOGUE[told.code as FailureCode].class
    const isRight = failure?.code === told.code && failure?.class === (told.class ?? usual) &&
      (told.first === undefined || wordsOf(failure).includes(told.first))
    if (!isRight) wrong.push(`${told.name}: ${told.code}, ${told.first}: ${JSON.stringify(failure)}`)
    // Where it is not sure it says so.
    if (!isRight && failure !== undefined) t.ok(['unknown', 'no_result', 'command_failed'].includes(failure.code), `nothing wrong is said of: ${told.name}`)
  }
  t.equal(codes.size, FAILURE_CODES.length, 'each code')
  t.ok([...codes.values()].every((count) => count >= 2), 'in two shapes')
  t.ok(failing.length >= 60)
  t.ok(wrong.length <= 0.05 * failing.length, wrong.join('\n'))
  t.comment(`${failing.length - wrong.length} of ${failing.length}${wrong.map((line) => `\n${line}`).join('')}`)
})

t.test('runs that went well have no failure, whatever was mended on the way', async (t) => {
  t.ok(healthy.length >= 15)
  for (const [told, failure] of await failuresOf(t, healthy)) t.equal(failure, undefined, told.name)
})
