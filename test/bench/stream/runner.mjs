// A process that runs an agent and serves nobody.
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { obey } from './child.mjs'
import { activityWithDue } from './payload.mjs'

const [directory] = process.argv.slice(2)
const timeline = await openTimeline({ database: join(directory, 'bench.db') })
const handle = await timeline.startInvocation({ taskId: 't', role: 'coder', provider: 'x' })

obey({
  async tellSlowly ({ count, pauseMs: [least, most] }) {
    for (let index = 0; index < count; index++) {
      await pause(least + Math.random() * (most - least))
      handle.activity(activityWithDue(index, process.hrtime.bigint()))
    }
    await timeline.flush()
  }
}, { invocationId: handle.id })
