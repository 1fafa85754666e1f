// What a host does with us; bundled into one file it tells in JSON what it saw.
import Fastify from 'fastify'
import Sqlite from 'better-sqlite3'
import agentTimeline from 'fastify-agent-timeline'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { acp, command } from 'fastify-agent-timeline/providers'
import { migrate } from 'fastify-agent-timeline/migrations'

async function main () {
  const database = process.argv[2]
  const app = Fastify()
  await app.register(agentTimeline, { database })
  const recorder = await openTimeline({ database, runnerHeartbeatIntervalMs: 100 })
  const agent = command({ command: process.execPath, args: ['-e', 'console.log("said")'] })
  const db = new Sqlite(database, { readonly: true })
  const beat = () => db.prepare('SELECT max(heartbeat_at) AS at FROM invocation_run').get().at
  const result = await recorder.logInvocation({ taskId: 'a', role: 'coder', provider: 'command' }, async (run) => {
    const before = beat()
    // The event loop stands still: only a thread can move this.
    const end = Date.now() + 20_000
    while (beat() === before && Date.now() < end) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
    const hasThread = beat() !== before
    return { ...await agent.invoke('', run), hasThread }
  })
  db.close()
  await recorder.close()
  const origin = await app.listen({ port: 0, host: '127.0.0.1' })
  const seen = {}
  // What a page names, and what is loaded when it is needed, under names of their content.
  const code = await (await fetch(origin + '/timeline/client.js')).text()
  const parts = [...new Set(code.match(/parts\/[\w-]+\.js/g))]
  const answers = await Promise.all(parts.map((part) => fetch(`${origin}/timeline/${part}`)))
  seen.parts = parts.length > 1 && answers.every(({ status }) => status === 200)
  for (const path of ['/timeline/', '/timeline/tasks/a', '/timeline/client.js', '/timeline/pages/index.js',
    '/timeline/pages/task.js', '/timeline/pages/page.css', '/timeline/pages/index.html', '/timeline/host.js']) {
    const response = await fetch(origin + path)
    const text = await response.text()
    seen[path] = [response.status, response.headers.get('content-type'), text.length > 100]
    if (path.endsWith('client.js')) {
      const headers = { 'if-none-match': response.headers.get('etag') }
      seen.again = (await fetch(origin + path, { headers })).status
    }
  }
  const { timeline } = await (await fetch(origin + '/api/tasks/a/timeline')).json()
  await app.close()
  const events = timeline.map((event) => event.activity?.trim() ?? event.type)
  const hasAll = [acp, migrate].every((each) => typeof each === 'function')
  console.log(JSON.stringify({ hasThread: result.hasThread, hasAll, events, seen }))
}

main().catch((error) => { console.error(error); process.exit(1) })
