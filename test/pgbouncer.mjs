// npm run test:pgbouncer: a recorder and a reader reach PostgreSQL through PgBouncer, which shares connections by
// transaction, as Debian's package `pgbouncer` has it. LISTEN has no effect there: it is told once, and everything
// arrives all the same, within a second of its being written. Fails where there is no PgBouncer.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { openTimeline } from 'fastify-agent-timeline/recorder'
import { startServer } from './support/postgres-server.mjs'

/** It refuses to run as root, as PostgreSQL does. */
const NOBODY = 65_534
const COUNT = 300
const BOUND_MS = 1_000

const found = spawnSync('pgbouncer', ['--version'], { encoding: 'utf8' })
if (found.error !== undefined) {
  console.error('not ok: there is no pgbouncer here. On Debian: apt-get install pgbouncer')
  process.exit(1)
}
const version = found.stdout.split('\n')[0]
const folder = mkdtempSync(join(tmpdir(), 'timeline-pgbouncer-'))
const server = await startServer()
const address = await server.createDatabase()
const { port: bouncerPort, end: endBouncer } = await startBouncer()
try {
  await check()
} finally {
  endBouncer()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}

async function startBouncer () {
  const port = await freePort()
  const config = join(folder, 'pgbouncer.ini')
  writeFileSync(join(folder, 'users.txt'), '"admin" ""\n')
  writeFileSync(config, `[databases]
* = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = trust
auth_file = ${join(folder, 'users.txt')}
pool_mode = transaction
default_pool_size = 4
`)
  const user = process.getuid() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  if (user.uid !== undefined) for (const path of [folder, config]) chownSync(path, user.uid, user.gid)
  const bouncer = spawn('pgbouncer', ['-q', config], { ...user, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
  let log = ''
  bouncer.stderr.on('data', (text) => { log += text })
  for (;;) {
    if (bouncer.exitCode !== null) throw new Error(`pgbouncer ended: ${log}`)
    const client = new pg.Client({ connectionString: address.replace(`:${server.port}/`, `:${port}/`) })
    client.on('error', () => {})
    try {
      await client.connect()
      await client.end()
      return { port, end: () => bouncer.kill('SIGTERM') }
    } catch {
      await sleep(20)
    }
  }
}

async function check () {
  const database = address.replace(`:${server.port}/`, `:${bouncerPort}/`)
  const warnings = []
  const warn = (details, message = details) => { warnings.push(String(message)) }
  const logger = { error: warn, warn, info () {}, debug () {} }
  const recorder = await openTimeline({ database, logger: { error () {}, warn () {}, info () {}, debug () {} } })
  const reader = await openTimeline({ database, logger })
  const seen = []
  const lateness = []
  const following = (async () => {
    for await (const event of reader.events({ taskId: 'a' })) {
      seen.push(event.seq)
      if (event.type === 'invocation.activity') lateness.push(Date.now() - Number(event.activity))
      if (seen.length === COUNT + 2) return
    }
  })()
  await recorder.logInvocation({ taskId: 'a', role: 'coder', provider: 'claude' }, async ({ onActivity }) => {
    for (let at = 0; at < COUNT; at++) {
      onActivity({ type: 'progress', message: String(Date.now()), timestamp: new Date() })
      await sleep(15)
    }
  })
  await following
  await reader.close()
  await recorder.close()
  assert.deepEqual(seen, Array.from({ length: COUNT + 2 }, (_, index) => index + 1))
  assert.deepEqual(warnings.filter((text) => /LISTEN has no effect/.test(text)).length, 1, warnings.join('\n'))
  assert.equal(warnings.length, 1, warnings.join('\n'))
  lateness.sort((a, b) => a - b)
  const [p50, most] = [lateness[COUNT >> 1], lateness.at(-1)]
  assert.ok(most < BOUND_MS, `the last came after ${most} ms`)
  const times = `written to read p50 ${p50} ms, at most ${most} ms`
  console.log(`ok: ${version} in transaction mode: ${seen.length} events, ${times}; told: ${warnings[0]}`)
}

function freePort () {
  return new Promise((resolve, reject) => {
    const probe = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })
}
