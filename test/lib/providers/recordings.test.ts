import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { AcpConnection } from '../../../lib/providers/acp/connection.js'
import type { AcpState } from '../../../lib/providers/acp/state.js'
import { createAcpAdapter } from '../../../lib/providers/acp/acp.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import type { JsonObject } from '../../../lib/providers/json.js'
import { countClaude, countCodex, countGemini, type Counted } from './count-tool-calls.js'
import { cutsOf, read, recordingsOf, toolCalls } from './recordings.js'

interface Subject {
  readonly cli: string
  readonly adapter: CliAdapter<never>
  /** Absent where only the cuts are tested here: acp.test.ts talks to these. */
  readonly count?: (text: string) => Counted
  readonly suffix?: string
}

/** Reads what the agent said in a recorded conversation, without talking to it. */
const acp = createAcpAdapter({})
const listener: CliAdapter<AcpState> = {
  ...acp,
  start: () => ({ ...acp.start({}), connection: { receive: told } as AcpConnection }),
  line (line, state, log) {
    const { dir, msg } = JSON.parse(line.text) as { dir: string, msg: object }
    if (dir === 'agent->client') acp.line({ ...line, text: JSON.stringify(msg) }, state, log)
  }
}

function told ({ method, params }: JsonObject): ReturnType<AcpConnection['receive']> {
  return typeof method === 'string' ? { method, params: params as JsonObject } : undefined
}

const subjects: Subject[] = [
  { cli: 'claude-2.1.330', adapter: claudeAdapter as CliAdapter<never>, count: countClaude },
  { cli: 'codex-0.169.0', adapter: createCodexAdapter() as CliAdapter<never>, count: countCodex },
  { cli: 'gemini-0.61.0', adapter: geminiAdapter as CliAdapter<never>, count: countGemini },
  ...['acp-claude-0.101.0', 'acp-codex-2.6.0', 'acp-gemini-0.61.0', 'acp-opencode-1.18.33'].map((cli) => ({
    cli, adapter: listener as CliAdapter<never>, suffix: '.traffic.ndjson'
  }))
]

for (const { cli, adapter, count, suffix } of subjects) {
  t.test(`${cli}: however the bytes are cut, the activities are the same`, async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    t.comment(`SEED=${seed}`)
    for (const recorded of recordingsOf(cli, suffix)) {
      const { length } = recorded.stdout
      const expected = read(adapter, recorded)
      const differs = (cuts: readonly number[]): boolean =>
        !isDeepStrictEqual(read(adapter, recorded, { cuts }), expected)
      const everywhere = Array.from({ length }, (_, at) => at)
      t.notOk(differs(everywhere), `${recorded.name}: at every byte at once`)
      // Once at each boundary where the recording is short, at some of them where it is not.
      const boundaries = length <= 1_500 ? everywhere : cutsOf(length, seed)
      t.strictSame(boundaries.filter((at) => differs([at])), [], `${recorded.name}: at one of ${boundaries.length} bytes`)
      const seeds = [1, 2, 3, 4].map((more) => seed + more)
      t.strictSame(seeds.filter((seed) => differs(cutsOf(length, seed))), [], `${recorded.name}: at many`)
    }
  })

  if (count === undefined) continue

  t.test(`${adapter.name}: every tool call is started once and ended once, failures are failures`, async (t) => {
    for (const recorded of recordingsOf(cli)) {
      const { started, ended, failed, aborted } = toolCalls(read(adapter, recorded).activities)
      const counted = count(recorded.stdout.toString())
      // A killed Claude still answers its open call, as a failure; we call that aborted.
      const isStopped = cli.startsWith('claude') && recorded.name.startsWith('kill')
      t.strictSame({ started, ended, failed, aborted }, {
        started: counted.started,
        ended: counted.started,
        failed: isStopped ? 0 : counted.failed,
        aborted: isStopped ? counted.started : counted.started - counted.answered
      }, recorded.name)
    }
  })

  t.test(`${adapter.name}: no recording has an event that the adapter does not know`, async (t) => {
    for (const recorded of recordingsOf(cli)) {
      const { activities, warnings } = read(adapter, recorded)
      t.strictSame(warnings, [], recorded.name)
      t.notOk(activities.some(({ metadata }) => metadata?.kind === 'unknown'), recorded.name)
    }
  })

  t.test(`${adapter.name}: every activity has what the recorder and the page need`, async (t) => {
    for (const recorded of recordingsOf(cli)) {
      for (const { type, message, metadata } of read(adapter, recorded).activities) {
        t.not(message, '', `${recorded.name}: a message`)
        if (type === 'tool_exec') t.match(metadata, { callId: /./, phase: /^(start|end)$/, tool: /./ }, recorded.name)
        if (type === 'tool_exec') t.notMatch(message, /\n/, `${recorded.name}: one line`)
        if (type === 'progress') t.match(metadata, { kind: /./ }, recorded.name)
      }
    }
  })

  t.test(`${adapter.name}: no JSON whatsoever breaks the parser`, async (t) => {
    const values = [null, 1, 'x', [], {}, [null], [{}], { id: null }, true]
    const names = [
      'item', 'message', 'error', 'usage', 'stats', 'parameters', 'thread_id', 'content', 'tool_id', 'output', 'status',
      'id', 'command', 'changes', 'result', 'arguments', 'items', 'agents_states', 'text', 'subtype'
    ]
    const types = [
      'init', 'message', 'tool_use', 'tool_result', 'error', 'result', 'thread.started', 'item.started', 'item.completed',
      'turn.completed', 'turn.failed', 'system', 'assistant', 'user', null, 7
    ]
    const items = [
      'command_execution', 'file_change', 'mcp_tool_call', 'collab_tool_call', 'todo_list', 'agent_message', 'web_search'
    ]
    const filled = (value: unknown): object => Object.fromEntries(names.map((name) => [name, value]))
    const lines = types.flatMap((type) => values.map((value) => JSON.stringify({ ...filled(value), type })))
    const calls = items.flatMap((type) => values.map((value) => JSON.stringify({
      type: 'item.completed', item: { ...filled(value), type }
    })))
    for (const line of [...lines, ...calls, 'null', '[]', '7', '"x"', '{', '', ' ', '\u0000']) {
      const stdout = Buffer.from(line)
      const name = JSON.stringify(line.slice(0, 80))
      t.doesNotThrow(() => read(adapter, { stdout, stderr: Buffer.alloc(0), exitCode: 0, signal: null }), name)
    }
  })
}
