import t from 'tap'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex.js'
import { geminiAdapter } from '../../../lib/providers/gemini.js'
import { countClaude, countCodex, countGemini, type Counted } from './count-tool-calls.js'
import { cutsOf, read, recordingsOf, toolCalls } from './recordings.js'

interface Subject {
  readonly cli: string
  readonly adapter: CliAdapter<never>
  readonly count: (text: string) => Counted
}

const subjects: Subject[] = [
  { cli: 'claude-2.1.330', adapter: claudeAdapter as CliAdapter<never>, count: countClaude },
  { cli: 'codex-0.169.0', adapter: createCodexAdapter() as CliAdapter<never>, count: countCodex },
  { cli: 'gemini-0.61.0', adapter: geminiAdapter as CliAdapter<never>, count: countGemini }
]

for (const { cli, adapter, count } of subjects) {
  t.test(`${adapter.name}: however the bytes are cut, the activities are the same`, async (t) => {
    const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)
    t.comment(`SEED=${seed}`)
    for (const recorded of recordingsOf(cli)) {
      const expected = read(adapter, recorded)
      for (let i = 0; i < 8; i++) {
        const cuts = cutsOf(recorded.stdout.length, seed + i)
        t.strictSame(read(adapter, recorded, { cuts }), expected, recorded.name)
      }
    }
  })

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
        t.ok(Buffer.byteLength(JSON.stringify(metadata ?? {})) <= 8_192, `${recorded.name}: 8 KiB of metadata`)
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
