import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'

// Half a minute alone, as many times more as others want the machine.
t.setTimeout(600_000)

/** What `index.mjs` tells whoever started it. */
interface Report {
  readonly seed: string
  readonly counts: Readonly<Record<string, number>>
  readonly minimum: Readonly<Record<string, number>>
  readonly violations: readonly string[]
}

t.test('processes are killed, viewers cut and rows deleted, and nobody is told anything but what was committed', async (t) => {
  // In a process of its own, as in `npm run test:faults`; it runs what the build has made.
  const storm = fork(new URL('index.mjs', import.meta.url), ['short'], {
    execArgv: [], env: { ...process.env, NODE_OPTIONS: '' }, stdio: ['ignore', 'pipe', 'inherit', 'ipc']
  })
  t.teardown(() => { storm.kill() })
  storm.stdout!.setEncoding('utf8').on('data', (text: string) => { t.comment(text) })
  const ended = once(storm, 'exit')
  const [report] = await Promise.race([once(storm, 'message'), ended.then(() => [])]) as [Report?]
  t.ok(report !== undefined, 'the storm came to its end')
  if (report === undefined) return
  for (const [name, least] of Object.entries(report.minimum)) {
    t.ok(report.counts[name]! >= least, `${name}: ${report.counts[name]} of at least ${least}`)
  }
  t.same(report.violations, [], `seed ${report.seed}`)
  t.same(await ended, [0, null])
})

t.test('what the storm must notice can still be broken', (t) => {
  const script = fileURLToPath(new URL('mutations.mjs', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  t.equal(stdout.match(/^can be made: /gm)?.length, 6)
  t.end()
})
