import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import t from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { countChange, countPatch } from '../../../lib/providers/edited-lines.js'
import { knownFormats } from '../../../lib/providers/formats.js'
import type { JsonObject } from '../../../lib/providers/json.js'
import { createRecognisingAdapter } from '../../../lib/providers/recognise.js'
import { read, recordingsOf, type Reading, type Recording } from './recordings.js'

const formats = knownFormats()
/** Recognised by what it prints alone: the command line says nothing. */
const reader = createRecognisingAdapter(['sh', 'loop.sh'], formats) as CliAdapter<never>

/** Recordings of real programs; those that cannot run are written by hand. */
const RECORDED = ['opencode-1.18.33', 'qwen-0.24.4', 'copilot-1.0.102', 'kimi-2.1.0', 'cline-3.0.65']
const WRITTEN = ['cursor', 'droid', 'goose']

function written (name: string): Recording {
  const file = new URL(`../../fixtures/formats/${name}.ndjson`, import.meta.url).pathname
  return { name: 'main', file, stdout: readFileSync(file), stderr: Buffer.alloc(0), exitCode: 0, signal: null }
}

const all: Array<[format: string, recorded: Recording]> = [
  ...RECORDED.flatMap((cli) => recordingsOf(cli).map((recorded): [string, Recording] => [cli.replace(/-[\d.]+$/, ''), recorded])),
  ...WRITTEN.map((name): [string, Recording] => [name, written(name)])
]

const calls = ({ activities }: Reading): Array<Record<string, unknown>> => {
  const ends = activities.filter(({ metadata }) => metadata?.phase === 'end')
  return ends.map(({ message, metadata }) => ({ message, ...metadata }))
}
const main = (format: string): Reading => read(reader, all.find(([name, { name: of }]) => name === format && of === 'main')![1])

t.test('each is recognised as its own, and by no other', async (t) => {
  for (const [format, { name, stdout }] of all) {
    const lines = stdout.toString().split('\n').filter((line) => line.startsWith('{'))
    const objects = lines.map((line) => JSON.parse(line) as JsonObject)
    const sure = (objects: readonly JsonObject[]): string => formats
      .map((format) => [format.name, format.recognise?.(objects) ?? 0] as const)
      .reduce((best, one) => one[1] > best[1] ? one : best, ['nobody', 0] as const)[0]
    t.equal(sure(objects.slice(0, 10)), format, `${format} ${name}`)
    const others = formats.filter((other) => other.name !== format)
    const taken = objects.filter((object) => others.some((other) => (other.recognise?.([object]) ?? 0) >= 1))
    t.strictSame(taken, [], `${format} ${name}: no line is certainly another's`)
  }
})

t.test('nothing they print is unknown, however the bytes are cut', async (t) => {
  for (const [format, recorded] of all) {
    const expected = read(reader, recorded)
    t.strictSame(expected.activities.filter(({ metadata }) => /^unknown/.test(String(metadata?.kind))), [], `${format} ${recorded.name}`)
    const everywhere = Array.from(recorded.stdout, (_, at) => at)
    t.ok(isDeepStrictEqual(read(reader, recorded, { cuts: everywhere }), expected), `${format} ${recorded.name}: at every byte`)
  }
})

t.test('tool calls: what was called, what it did, how it ended', async (t) => {
  const shell = (status: string, exitCode?: number): object => ({ toolKind: 'shell', status, ...(exitCode !== undefined && { exitCode }) })
  for (const format of ['opencode', 'qwen', 'copilot', 'kimi', 'cline']) {
    t.match(calls(main(format)), [
      { message: 'exec: rg -n TODO src/', ...shell('ok'), result: /TODO: greet/ },
      { toolKind: 'read', status: 'ok', message: /app\.ts|read_files/ },
      { toolKind: 'edit', status: 'ok', message: /app\.ts/, files: [{ path: /app\.ts/ }] },
      { toolKind: 'edit', status: 'ok', message: /NOTES\.md/ },
      {}, {},
      { message: 'exec: echo "1 test failed" >&2; exit 1', ...shell('error', 1), result: /1 test failed/ },
      { message: /^exec: for i in/, ...shell('ok'), result: /tick 5\ndone/ }
    ], format)
    t.equal(calls(main(format)).length, 8, format)
  }
  t.match(calls(main('cursor')), [
    { message: 'exec: rg -n TODO src/', ...shell('ok', 0) }, { toolKind: 'read' }, { toolKind: 'edit' },
    { toolKind: 'test', status: 'error', exitCode: 1 }, { status: 'denied' }
  ])
  t.match(calls(main('droid')), [shell('ok'), { toolKind: 'edit' }, { toolKind: 'test', status: 'error', result: '1 test failed' }])
  t.match(calls(main('goose')), [
    { tool: 'shell', ...shell('ok') }, { toolKind: 'edit', status: 'ok' }, { toolKind: 'mcp', status: 'error', result: 'not signed in' }
  ])
  t.equal(calls(main('opencode'))[0]!.durationMs, 4868, 'opencode tells a call when it is over, and how long it took')
})

t.test('answers, usage, sessions, models', async (t) => {
  const tokens = { inputTokens: 8000, outputTokens: 400, cacheReadTokens: 3200 }
  const expected: Record<string, object> = {
    opencode: { usage: { ...tokens, inputTokens: 4800, costUsd: 0.0056 }, sessionId: /^ses_/ },
    qwen: { usage: tokens, sessionId: /^[\w-]{36}$/, model: 'qwen3-coder' },
    copilot: { usage: undefined, sessionId: /^[\w-]{36}$/, model: 'claude-sonnet-4.5' },
    kimi: { usage: undefined, sessionId: /^session_/ },
    cline: { usage: tokens, model: 'fake-model' },
    cursor: { sessionId: /^c6b62c6f/, model: 'Auto' },
    droid: { sessionId: 'd-1', model: 'glm-5', usage: { inputTokens: 4000, outputTokens: 200, cacheReadTokens: 1600 } },
    goose: { usage: undefined }
  }
  for (const [format, about] of Object.entries(expected)) {
    t.match(main(format).result, { success: true, response: /^Done: /, ...about }, format)
  }
})

t.test('failures say why', async (t) => {
  const expected: Record<string, object> = {
    opencode: { error: 'Incorrect API key provided: dummy.', reason: 'api_error' },
    qwen: { error: /401 Incorrect API key/, reason: 'during_execution' },
    copilot: { error: /^Authentication failed with provider/, reason: 'authentication' },
    kimi: { error: /401 Incorrect API key/ },
    cline: { error: 'Incorrect API key provided: dummy.', reason: 'authentication' }
  }
  for (const [format, recorded] of all.filter(([, { name }]) => name === 'err-401')) {
    t.match(read(reader, recorded).result, { success: false, exitCode: 1, ...expected[format] }, format)
  }
  for (const [format, recorded] of all.filter(([name, { name: of }]) => of === 'main' && name !== 'kimi')) {
    const stdout = recorded.stdout.subarray(0, Math.floor(recorded.stdout.length / 2))
    const broken = read(reader, { ...recorded, stdout, exitCode: 137 })
    t.match(broken.result, { success: false }, `${format}: cut off`)
  }
})

t.test('waits for a person', async (t) => {
  const waits = (lines: readonly object[]): InvocationActivity[] => {
    const stdout = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
    const { activities } = read(reader, { stdout, stderr: Buffer.alloc(0), exitCode: 0, signal: null })
    return activities.filter(({ metadata }) => metadata?.kind === 'waiting')
  }
  const person = [{ metadata: { waitKind: 'person' } }]
  const copilot = { id: 'x', parentId: 'y', timestamp: '2026-01-01T00:00:00Z' }
  t.match(waits([{ type: 'permission.requested', data: { permissionRequest: { toolCallId: 'a' } }, ...copilot }]), person)
  t.match(waits([{ type: 'user_input.requested', data: { question: 'Which one?' }, ...copilot }]), person)
  const qwen = { session_id: 's', uuid: 's' }
  t.match(waits([
    { type: 'system', subtype: 'init', qwen_code_version: '0.24.4', ...qwen },
    { type: 'control_request', request: { subtype: 'can_use_tool', tool_name: 'edit', tool_use_id: 'a' }, ...qwen }
  ]), person)
  t.match(waits([{ type: 'message', message: { role: 'assistant', created: 1, content: [{ type: 'toolConfirmationRequest', id: 'a', toolName: 'shell', prompt: 'Run it?' }] } }, { type: 'complete', total_tokens: 1 }]), person)
  t.match(waits([
    { type: 'system', subtype: 'init', apiKeySource: 'login', session_id: 'c', model: 'Auto', permissionMode: 'default' },
    { type: 'interaction_query', subtype: 'request', query_type: 'shell', session_id: 'c' }
  ]), person)
})

t.test('text in pieces, and the whole once more, is told once', async (t) => {
  const say = (text: string): object => ({ type: 'assistant', message: { role: 'assistant', content: [{ type: 'text', text }] }, session_id: 'c' })
  const lines = [
    { type: 'system', subtype: 'init', apiKeySource: 'login', session_id: 'c', model: 'Auto', permissionMode: 'default' },
    say('Hel'), say('lo'), say('Hello'),
    { type: 'result', subtype: 'success', is_error: false, result: 'Hello', session_id: 'c', request_id: 'r' }
  ]
  const stdout = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
  const { activities, result } = read(reader, { stdout, stderr: Buffer.alloc(0), exitCode: 0, signal: null })
  t.equal(activities.filter(({ type }) => type === 'output').map(({ message }) => message).join(''), 'Hello')
  t.match(result, { success: true, response: 'Hello' })
})

t.test('an edit tells the lines that it added and took away, where its program says what it changed', async (t) => {
  const filesOf = (reading: Reading) =>
    calls(reading).flatMap(({ files }) => (files ?? []) as Array<Record<string, unknown>>)
  const edits = (reading: Reading) => filesOf(reading).map(({ path, added, removed }) => [String(path).split('/').at(-1), added, removed])
  const claude = read(claudeAdapter, recordingsOf('claude-2.1.330').find(({ name }) => name === 'main')!)
  t.same(edits(claude), [['app.ts', 1, 1], ['NOTES.md', 3, 0]])
  const notes = { path: '/tmp/proj/NOTES.md', kind: 'create', bytes: 27, added: 3, removed: 0 }
  t.same(filesOf(claude).at(-1), notes)
  t.same(edits(main('copilot')), [['app.ts', 1, 1], ['NOTES.md', 3, 0]])
  t.same(edits(main('opencode')), [['app.ts', 1, 1], ['NOTES.md', undefined, undefined]])
  const changes: Array<[before: string, after: string, added: number, removed: number]> = [
    ['', 'a\nb\n', 2, 0], ['a\nb', '', 0, 2], ['a\nb\nc\n', 'a\nx\nc\nd\n', 2, 1], ['a\nb\nc', 'b\nc\na', 1, 1], ['same\n', 'same\n', 0, 0],
    ['one\ntwo\n', 'one\r\ntwo\n', 1, 1]
  ]
  for (const [before, after, added, removed] of changes) {
    t.same(countChange(before, after), { added, removed }, JSON.stringify([before, after]))
  }
  const long = (mark: string) => Array.from({ length: 3_000 }, (_, at) => `${mark} ${at}`).join('\n')
  t.same(countChange(`x\n${long('a')}\ny`, `x\n${long('b')}\ny`), { added: 3_000, removed: 3_000 }, 'beyond a table of reasonable size')
  t.same(countPatch('--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n+--- d\n@@ -9 +9 @@\n--- e\n'), { added: 2, removed: 2 })
  t.equal(countPatch('no patch'), undefined)
})
