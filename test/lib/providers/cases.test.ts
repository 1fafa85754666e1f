import { inspect } from 'node:util'
import t from 'tap'
import type { InvocationActivity, InvocationResult } from '../../../lib/model/activity.js'
import { toil } from '../../../examples/own-cli.js'
import { claude, command } from '../../../lib/providers/index.js'
import { adapters, callsOf, check, matches, printed, readersOf } from './cases.js'
import { from, SESSION } from './lines-of-clis.js'
import { read, type Reading } from './recordings.js'
import { reportedCases } from './reported-cases.js'
import { versionCases } from './version-cases.js'

const { line, init, text, call, result, done } = from(SESSION)
const json = JSON.stringify

for (const one of [...reportedCases, ...versionCases]) {
  t.test(one.name, async (t) => {
    const recorded = printed(one)
    for (const reader of readersOf(one)) {
      const reading = read(adapters[reader](), recorded)
      check(t, one, reading.activities, reading.result)
      if (recorded.stdout.length > 100_000) continue
      const cuts = Array.from(recorded.stdout.keys())
      t.strictSame(read(adapters[reader](), recorded, { cuts }), reading, 'cut at every byte')
    }
  })
}

t.test('an adapter of one\'s own, made of command() and a format: sub-agent, wait, retry and crash', async (t) => {
  const begin = [
    { toil: 'hello', toil_version: '1.0', session: 's1', model: 'm1' },
    { toil: 'call', id: '1', tool: 'task', input: { title: 'look' } },
    { toil: 'call', id: '1', by: '1', tool: 'bash', input: { command: 'npm test' } },
    { toil: 'ask', id: '1', text: 'npm test' },
    { toil: 'answer', id: '1', by: '1', ok: false, exit: 1, text: '1 fails' },
    { toil: 'again', text: 'Overloaded', afterMs: 5, attempt: 1 },
    { toil: 'answer', id: '1', ok: true, text: 'found' },
    { toil: 'call', id: '1', tool: 'edit_file', input: { path: '/a' } },
    { toil: 'say', text: 'All done.' }
  ]
  const play = async (lines: readonly object[], code: string): Promise<Reading> => {
    const activities: InvocationActivity[] = []
    const program = `for (const line of ${json(lines)}) console.log(JSON.stringify(line)); ${code}`
    const result = await toil({ command: process.execPath, args: ['-e', program], env: { NODE_OPTIONS: undefined }, killGraceMs: 300, finishGraceMs: 100 })
      .invoke('x', { onActivity: (activity) => { activities.push(activity) } })
    return { activities, result, warnings: [] }
  }
  const crashed = await play(begin, 'console.error("out of memory"); process.exit(134)')
  t.match(crashed.result, { success: false, exitCode: 134, reason: 'no-result', error: 'out of memory', response: 'All done.', sessionId: 's1' })
  t.strictSame(callsOf(crashed.activities), ['task: ok', '1 bash: error', 'edit_file: aborted'])
  t.match(crashed.activities.map(({ metadata }) => metadata?.toolKind).filter(Boolean), ['agent', 'test', 'test', 'agent', 'edit', 'edit'])
  for (const shown of [{ kind: 'waiting', waitKind: 'person', callId: '1' }, { kind: 'retry', waitKind: 'retry', attempt: 1 }]) {
    t.ok(crashed.activities.some(({ metadata }) => matches(metadata, shown)), inspect(shown))
  }
  const end = [{ toil: 'answer', id: '1', ok: true, text: '' }, { toil: 'bye', ok: true, tokensIn: 3, tokensOut: 4 }]
  const done = await play([...begin, ...end], '')
  t.match(done.result, { success: true, exitCode: 0, response: 'All done.', model: 'm1', usage: { inputTokens: 3, outputTokens: 4 } })
  const stays = await play([...begin, ...end], 'setInterval(() => {}, 1e6)')
  t.match(stays.result, { success: true, signal: 'SIGTERM', timedOut: false, reason: 'finished_not_exited', response: 'All done.' })
  t.ok(stays.activities.some(({ metadata }) => metadata?.what === 'finished_not_exited'), 'and it is said')
  t.throws(() => command({ command: 'x', format: {} as never }), { code: 'AGENT_TIMELINE_INVALID_OPTION' })
})

t.test('a program that has finished and stays is a success, unless work goes on or its time is over', async (t) => {
  const play = async (prints: readonly object[], then: string, limits: object = {}): Promise<InvocationResult> => {
    const program = `const say = (lines) => { for (const line of lines) console.log(JSON.stringify(line)) }; say(${json(prints)}); ${then}`
    return await claude({ command: process.execPath, args: ['-e', program], env: { NODE_OPTIONS: undefined }, killGraceMs: 300, finishGraceMs: 100, ...limits })
      .invoke('x', limits)
  }
  const stay = 'setInterval(() => {}, 1e6)'
  const works = [init(), call('a', 'Bash', { command: 'ls' }), result('a', 'x'), text('All done.'), done()]
  t.match(await play(works, stay), { success: true, timedOut: false, response: 'All done.', reason: 'finished_not_exited' })
  t.match(await play(works, stay, { timeout: 3_000, finishGraceMs: Infinity }), {
    success: false, timedOut: true, response: 'All done.', reason: 'finished_not_exited', error: /had finished/
  })
  t.match(await play([init(), call('a', 'Bash', { command: 'ls' }), done()], stay, { timeout: 1_000 }), {
    success: false, timedOut: true, reason: 'timeout'
  }, 'a call is open')
  t.match(await play([init(), line('system', { subtype: 'background_tasks_changed', tasks: [{}] }), done()], stay, { timeout: 1_000 }), {
    success: false, timedOut: true, reason: 'timeout'
  }, 'work goes on in the background')
  const again = `setTimeout(() => { say(${json([init(), text('More.')])}) }, 20); setTimeout(() => { say(${json([done({ result: 'More.' })])}); process.exit(0) }, 1_500)`
  t.match(await play(works, again, { finishGraceMs: 1_000 }), { success: true, exitCode: 0, response: 'More.', reason: undefined }, 'something new began')
})
