// node test/prepared/index.mjs FOLDER: makes ten databases, each with one task in another state, says `ready`, and
// stays, because some of the runs go on. What is right about each is in `TASKS`, for whoever is asked about them.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { TASKS } from './tasks.mjs'

const MINUTE_MS = 60_000
const realNow = Date.now
let minutesAgo = 0
// What is recorded happened in the past, as far as the recorder knows.
Date.now = () => realNow() - minutesAgo * MINUTE_MS

const [folder, only] = process.argv.slice(2)
for (const [name, { record, isLost }] of Object.entries(TASKS)) {
  if (only !== undefined && only !== name) continue
  if (isLost && only === undefined) {
    const child = fork(new URL(import.meta.url), [folder, name])
    await once(child, 'message')
    child.kill('SIGKILL')
    await once(child, 'exit')
    continue
  }
  const timeline = await openTimeline({ database: join(folder, `${name}.db`) })
  await record({
    start: (meta) => timeline.startInvocation({ taskId: name, provider: 'claude', model: 'claude-sonnet-4-5', role: 'coder', ...meta }),
    /** What follows happened so many minutes ago. */
    async at (minutes) {
      await timeline.flush()
      minutesAgo = minutes
    },
    now: () => new Date(Date.now())
  })
  await timeline.flush()
  minutesAgo = 0
}
console.log('ready')
process.send?.('ready')
// For those that started it, and no longer.
process.on('disconnect', () => { process.exit() })
setInterval(() => {}, 60_000)
