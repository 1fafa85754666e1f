import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { openTimeline, type RecordOptions } from '../../../lib/open-timeline.js'
import agentTimeline from '../../../plugins/agent-timeline.js'

const directory = mkdtempSync(join(tmpdir(), 'record-'))
t.teardown(() => rmSync(directory, { recursive: true, force: true }))

/** Records a run that says everything everywhere; returns what was stored and the bytes of the database's files. */
async function recordWith (name: string, record: RecordOptions | undefined) {
  const timeline = await openTimeline({ database: join(directory, `${name}.sqlite`), ...(record === undefined ? {} : { record }) })
  const run = await timeline.startInvocation({ taskId: '1', role: 'coder', provider: 'x', prompt: 'PROMPT-WORDS' })
  const timestamp = new Date()
  run.activity({ type: 'output', message: 'OUTPUT-WORDS', timestamp, metadata: { text: 'OUTPUT-WORDS', parentCallId: 'p' } })
  run.activity({ type: 'tool_exec', message: 'exec: make', timestamp, metadata: { callId: 'c', phase: 'start', tool: 'Bash', input: { command: 'make' } } })
  run.activity({ type: 'progress', message: 'OUTPUT-WORDS', timestamp, metadata: { kind: 'tool', live: true, callId: 'c' } })
  run.activity({ type: 'tool_exec', message: 'exec: make', timestamp, metadata: { callId: 'c', phase: 'end', status: 'ok', result: 'OUTPUT-WORDS\n'.repeat(5_000) } })
  await run.complete({ success: true, response: 'RESPONSE-WORDS', summary: 'RESPONSE-WORDS', stderrTail: 'OUTPUT-WORDS' })
  const stored = (await timeline.getInvocation(run.id!))!
  await timeline.close()
  const bytes = readdirSync(directory).filter((file) => file.startsWith(name)).map((file) => readFileSync(join(directory, file), 'latin1')).join('')
  return { stored, bytes }
}

t.test('what may not be stored is in no file of the database, and what may is', async (t) => {
  const all = await recordWith('all', undefined)
  for (const words of ['PROMPT-WORDS', 'RESPONSE-WORDS', 'OUTPUT-WORDS']) t.match(all.bytes, words)
  for (const [name, words] of [['prompt', 'PROMPT-WORDS'], ['response', 'RESPONSE-WORDS'], ['output', 'OUTPUT-WORDS']] as const) {
    const { stored, bytes } = await recordWith(name, { [name]: false })
    t.notMatch(bytes, words, name)
    t.equal(['PROMPT-WORDS', 'RESPONSE-WORDS', 'OUTPUT-WORDS'].filter((one) => bytes.includes(one)).length, 2, name)
    t.equal(stored.activities.length, all.stored.activities.length, 'activities show that the agent moves')
  }
  const { stored } = await recordWith('none', { prompt: false, response: false, output: false })
  t.equal(stored.prompt, '')
  t.notOk(stored.response)
  t.match(stored.activities[0], { type: 'output', message: '', metadata: { parentCallId: 'p' } })
  t.match(stored.activities.at(-1), { message: 'exec: make', metadata: { callId: 'c', phase: 'end', status: 'ok', result: undefined } })
})

t.test('the plugin keeps to it, too, and what is no such option is refused', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(agentTimeline, { database: join(directory, 'plugin.sqlite'), migrate: true, record: { prompt: false } })
  const run = await (await app.agentTimeline.for()).startInvocation({ taskId: '1', role: 'coder', provider: 'x', prompt: 'PROMPT-WORDS' })
  await run.complete('RESPONSE-WORDS')
  const { body } = await app.inject(`/api/invocations/${run.id}`)
  t.notMatch(body, 'PROMPT-WORDS')
  t.match(body, 'RESPONSE-WORDS')
  const open = (record: object) => openTimeline({ database: join(directory, 'bad.sqlite'), record })
  await t.rejects(open({ prompt: 'no' }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
  await t.rejects(open({ prompts: false }), { code: 'AGENT_TIMELINE_UNKNOWN_OPTION' })
})
