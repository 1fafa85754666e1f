import t from 'tap'
import type { InvocationActivity } from '../../../lib/model/activity.js'
import { command, type Agent } from '../../../lib/providers/index.js'

const node = (code: string): Agent => command({ command: process.execPath, args: ['-e', code], env: { NODE_OPTIONS: undefined } })

t.test('what it prints is its output and its answer', async (t) => {
  const activities: InvocationActivity[] = []
  const result = await node('process.stdin.on("data", (d) => console.log("> " + d)).on("end", () => { console.error("careful"); process.stdout.write("end") })')
    .invoke('grüße', { onActivity: (activity) => { activities.push(activity) } })
  t.match(result, { success: true, response: '> grüße\nend', exitCode: 0, stderrTail: 'careful\n' })
  const stdout = activities.filter(({ metadata }) => metadata?.stream === undefined)
  t.equal(stdout.map(({ message }) => message).join(''), '> grüße\nend', 'pieces join to what was printed')
  t.match(activities.filter(({ metadata }) => metadata?.stream !== undefined), [{ type: 'output', message: 'careful\n', metadata: { stream: 'stderr' } }])
})

t.test('another exit code is a failure, explained by stderr', async (t) => {
  t.match(await node('console.log("half"); console.error("no disk\\n"); process.exit(4)').invoke(''), {
    success: false, response: 'half', error: 'no disk', exitCode: 4, reason: 'exit-code'
  })
  t.match(await node('process.exit(4)').invoke(''), { error: /ended with exit code 4/ })
})

t.test('of a long answer the end is kept, without memory for the rest', async (t) => {
  const { response } = await node('for (let i = 0; i < 50000; i++) console.log(String(i).padStart(100, "."))').invoke('')
  t.ok(response.length <= 1_048_576 && response.length > 1_048_576 - 101, 'whole lines of it')
  t.ok(response.endsWith('.49999'))
})

t.test('arguments may depend on the call', async (t) => {
  const agent = command({
    command: process.execPath,
    name: 'mine',
    args: ({ prompt, model = '' }) => ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', prompt, model],
    env: { NODE_OPTIONS: undefined }
  })
  t.equal(agent.name, 'mine')
  t.strictSame(JSON.parse((await agent.invoke('do it', { model: 'm' })).response), ['do it', 'm'])
})
