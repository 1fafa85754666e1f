// npm run test:hosts [-- <words of the lines to try>]: the packed package beside each SQLite that a host may have.
//
// Each install comes from the registry. In every case all that was acknowledged or committed is there afterwards, for
// the host's rows and the timeline alike, or the open was refused with a code.
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const scratch = mkdtempSync(join(tmpdir(), 'agent-timeline-hosts-'))
const ours = process.versions.node.split('.')[0]

const INSTALLS = [
  { node: '20', manager: 'npm', better: '12' },
  { node: '20', manager: 'npm', better: '11' },
  { node: '22', manager: 'npm', better: '13' },
  { node: '24', manager: 'npm', better: '13' },
  { node: '22', manager: 'pnpm', better: '13' },
  { node: '20', manager: 'pnpm', better: '12' },
  { node: '22', manager: 'yarn', better: '13' }
]

/** The npx outside must not tell the one inside what to run. */
const ALONE = 'unset npm_config_call npm_config_package;'

const COMMANDS = {
  npm: (packages) => `npm install --no-audit --no-fund ${packages}`,
  pnpm: (packages) => `${ALONE} npx -y pnpm@10 add ${packages} --allow-build=better-sqlite3`,
  yarn: (packages) => `${ALONE} npx -y -p @yarnpkg/cli-dist@4 yarn add ${packages}`
}

/** What a host of this install may be, by its own SQLite and what it gives as `database`. */
function * casesOf ({ node, manager }) {
  const libraries = { 'better-sqlite3': ['handle', 'kysely', 'path', 'own'], none: ['path'] }
  if (node !== '20') libraries['node:sqlite'] = ['handle', 'path', 'own']
  for (const [library, sources] of Object.entries(libraries)) {
    for (const source of sources) {
      for (const as of ['recorder', 'plugin']) {
        // How packages are laid out changes what is loaded, not how a process ends.
        for (const end of manager === 'npm' ? ['kill', 'close', 'second'] : ['second']) yield { library, source, as, end }
      }
    }
  }
}

function sh (node, cwd, command) {
  const env = { ...process.env, YARN_ENABLE_IMMUTABLE_INSTALLS: 'false' }
  const [file, ...args] = node === ours ? ['sh', '-c', command] : ['npx', '-y', '-p', `node@${node}`, '-c', command]
  const { status, stdout, stderr } = spawnSync(file, args, { cwd, env, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command}: ${stderr.slice(-2000) || stdout.slice(-2000)}`)
  return stdout.trim()
}

function install (tarball, { node, manager, better }) {
  const folder = join(scratch, `${manager}-${node}-${better}`)
  mkdirSync(folder)
  writeFileSync(join(folder, 'package.json'), '{ "name": "a-host", "private": true }')
  writeFileSync(join(folder, '.yarnrc.yml'), 'nodeLinker: node-modules\nenableTelemetry: false\n')
  writeFileSync(join(folder, 'yarn.lock'), '')
  const packages = `fastify-agent-timeline@file:${tarball} fastify kysely better-sqlite3@${better}`
  // What is compiled here already needs no minute more.
  const built = join(root, 'node_modules/better-sqlite3')
  const isBuilt = manager === 'npm' && node === ours && versionIn(built).startsWith(`${better}.`)
  sh(node, folder, COMMANDS[manager](isBuilt ? `--ignore-scripts ${packages.replace(/[^@]*$/, versionIn(built))}` : packages))
  if (isBuilt) cpSync(join(built, 'build'), join(folder, 'node_modules/better-sqlite3/build'), { recursive: true })
  for (const name of ['host.mjs', 'look.mjs']) cpSync(new URL(name, import.meta.url), join(folder, name))
  return { folder, node: sh(node, folder, 'node -p process.execPath') }
}

function versionIn (folder) {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).version
}

let files = 0

/** @returns what the case came to: `kept`, `refused: CODE`, or what is wrong */
function play ({ folder, node }, one) {
  const options = JSON.stringify({ ...one, file: join(folder, `${++files}.db`) })
  const run = (script) => spawnSync(node, ['--no-warnings', script, options], { cwd: folder, encoding: 'utf8' })
  const { stdout, stderr, signal, status } = run('host.mjs')
  if (signal !== 'SIGKILL' && status !== 0) return `WRONG: ended with ${signal ?? status}: ${stderr.slice(0, 500)}`
  const written = JSON.parse(stdout)
  if (written.refused !== undefined) return `refused: ${written.refused}`
  const found = JSON.parse(run('look.mjs').stdout)
  const isKept = found.isWhole && Object.entries(written).every(([name, count]) => found[name] === count)
  return isKept ? 'kept' : `LOST: ${JSON.stringify({ written, found })}`
}

const counts = { kept: 0, refused: 0, failed: 0 }
try {
  execFileSync('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', scratch], { cwd: root })
  const { name, version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const wanted = process.argv.slice(2)
  for (const setup of INSTALLS) {
    const title = `${setup.manager}, Node ${setup.node}, better-sqlite3 ${setup.better}`
    const cases = [...casesOf(setup)].map((one) => ({ one, line: [title, ...Object.values(one)].join(' | ') }))
      .filter(({ line }) => wanted.every((word) => line.includes(word)))
    if (cases.length === 0) continue
    try {
      const host = install(join(scratch, `${name}-${version}.tgz`), setup)
      for (const { one, line } of cases) {
        const outcome = play(host, one)
        const kind = ['kept', 'refused'].find((start) => outcome.startsWith(start)) ?? 'failed'
        counts[kind]++
        console.log(`${line} | ${outcome}`)
      }
    } catch (error) {
      counts.failed++
      console.log(`${title} | FAILED: ${error.message}`)
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
console.log(JSON.stringify(counts))
process.exitCode = counts.failed === 0 && counts.kept > 0 ? 0 : 1
