import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.setTimeout(600_000)

const bench = fileURLToPath(new URL('./index.mjs', import.meta.url))

t.test('every benchmark runs, each delivery and each stored row of it verified', async (t) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [bench, '--smoke'], { encoding: 'utf8' })
  t.equal(status, 0, stderr)
  for (const line of [
    'onActivity call', 'Durable ingest', 'recorded sessions', 'Fan-out, ', 'Fan-out at full speed', 'another process', 'idle viewers',
    'runners on one file', 'open a new file', 'The first page', 'The last page', 'Resume after a cut', 'The summary of', 'The list of tasks of',
    'The overview of', 'never read', 'Parser of', 'Redaction of', 'judged'
  ]) t.match(stdout, line)
})
