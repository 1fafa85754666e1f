// Judges what runs in a database, for a viewer of each task.
import { join } from 'node:path'
import { openCore } from '../../../dist/lib/open-core.js'
import { obey } from '../stream/child.mjs'

const [directory, runs] = process.argv.slice(2)
const core = await openCore({ database: join(directory, 'bench.db') })
let changes = 0
for (let index = 0; index < Number(runs); index++) {
  const watch = core.health.watch(`task-${index}`, [], () => {
    watch.take()
    changes++
  })
}

obey({
  usage () {
    const { user, system } = process.cpuUsage()
    return { cpuMs: (user + system) / 1000, changes }
  },
  counts: () => core.health.counts()
}, {})
