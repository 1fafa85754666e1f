import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  /** The file that imports, from the root. */
  readonly from: string
  /** A package's name, or a file from the root. */
  readonly to: string
  readonly isType: boolean
}

function sources (folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mts|tsx)$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath ?? entry.path, entry.name)))
}

const read = (file: string) => readFileSync(join(ROOT, file), 'utf8')

/** Static and dynamic imports and re-exports. */
function importsOf (file: string): Import[] {
  const pattern = /(?:^|\n)\s*(?:import|export)\s+(type\s)?(?:[^'"\n;]*?(?:\n[^'"\n;]*?)*?\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g
  return [...read(file).matchAll(pattern)].map(([, type, fixed, dynamic]) => {
    const name = (fixed ?? dynamic) as string
    const to = name.startsWith('.') ? join(dirname(file), name).replace(/\.js$/, '.ts') : name
    return { from: file, to, isType: type !== undefined }
  })
}

const show = ({ from, to }: Import) => `${from} imports ${to}`

/** Lowest first: each room imports from itself and from what stands before it. */
const ROOMS = [
  'lib/text/', 'lib/time/', 'lib/errors', 'lib/logger', 'lib/debug', 'lib/lifecycle', 'lib/options', 'lib/meter', 'migrations/', 'lib/model/',
  'lib/insight/', 'lib/intake/', 'lib/providers/', 'lib/view/', 'lib/store/', 'lib/host/', 'lib/liveness/',
  'lib/recorder/', 'lib/live/', 'lib/timeline', 'lib/open-options', 'lib/maintenance', 'lib/api', 'lib/open-core',
  'lib/open-timeline', 'lib/migrate', 'plugins/allowed-hosts', 'plugins/tasks-of', 'plugins/plugin-options',
  'plugins/projects', 'plugins/scope', 'plugins/routes/', 'plugins/ui/', 'plugins/stream/', 'plugins/metrics/',
  'plugins/agent-timeline', 'plugins/cli/'
]
/** Beside them: of the others they take types, and pure code of the model. */
const CLIENT_ROOMS = [
  'client/styles.d', 'client/assets.d', 'client/page-frames', 'client/connection/', 'client/store/', 'client/window/',
  'client/session', 'client/tasks-session', 'client/view/', 'client/index', 'client/pages/'
]

const roomOf = (file: string, rooms: readonly string[]) =>
  rooms.findIndex((room) => room.endsWith('/') ? file.startsWith(room) : file.startsWith(`${room}.`))

/** Groups of files of which each imports, by way of others, itself; by Tarjan's algorithm. */
function circlesOf (imports: readonly Import[]): string[] {
  const targets = new Map<string, string[]>()
  for (const { from, to } of imports) targets.set(from, [...targets.get(from) ?? [], to])
  const numbers = new Map<string, number>()
  const lowest = new Map<string, number>()
  const path: string[] = []
  const circles: string[] = []

  function visit (file: string): void {
    numbers.set(file, numbers.size)
    lowest.set(file, numbers.get(file) as number)
    path.push(file)
    for (const next of targets.get(file) ?? []) {
      if (!numbers.has(next)) visit(next)
      if (path.includes(next)) lowest.set(file, Math.min(lowest.get(file) as number, lowest.get(next) as number))
    }
    if (lowest.get(file) !== numbers.get(file)) return
    const group = path.splice(path.indexOf(file))
    if (group.length > 1 || targets.get(file)?.includes(file) === true) circles.push(group.join(' > '))
  }

  for (const file of targets.keys()) if (!numbers.has(file)) visit(file)
  return circles
}
const all = ['lib', 'plugins', 'migrations', 'client', 'examples'].flatMap((folder) => sources(folder).flatMap(importsOf))
const of = (folder: string) => all.filter(({ from }) => from.startsWith(`${folder}/`))

t.test('the imports of the whole tree are seen', async (t) => {
  t.ok(all.length > 200)
  t.ok(all.some(({ from, to }) => from === 'plugins/agent-timeline.ts' && to === 'fastify-plugin'))
  t.ok(all.some(({ from, to, isType }) => from === 'lib/store/port.ts' && to === 'lib/store/task-scope.ts' && isType))
})

t.test('every file has its room, and no import goes up, not even one of a type', async (t) => {
  for (const rooms of [ROOMS, CLIENT_ROOMS]) {
    const isOfThese = ({ from }: Import) => from.startsWith('client/') === (rooms === CLIENT_ROOMS)
    const inside = all.filter((one) => isOfThese(one) && /^(lib|plugins|migrations|client)\//.test(one.from))
    const homeless = [...new Set(inside.map(({ from }) => from))].filter((file) => roomOf(file, rooms) < 0)
    t.same(homeless.filter((file) => !file.endsWith('.mjs')), [])
    t.same(inside.filter(({ from, to }) => roomOf(to, rooms) > roomOf(from, rooms)).map(show), [])
  }
})

t.test('no files import each other in a circle, not even their types', async (t) => {
  t.same(circlesOf(all), [])
  const circle = ['a', 'b', 'c'].map((from, index) => ({ from, to: ['b', 'c', 'a'][index] as string, isType: index === 0 }))
  t.same(circlesOf([...circle, { from: 'd', to: 'a', isType: false }]), ['a > b > c'], 'one would be found')
})

t.test('the core knows neither fastify nor the plugins', async (t) => {
  t.same([...of('lib'), ...of('migrations')].filter(({ to }) => /^@?fastify/.test(to) || to.startsWith('plugins/')).map(show), [])
})

t.test('the client takes types from the core, and pure code of the model', async (t) => {
  const isForeign = ({ to, isType }: Import) => /^(lib|plugins|migrations)\//.test(to) && !isType && !to.startsWith('lib/model/')
  t.same(of('client').filter(isForeign).map(show), [])
  t.same(of('client').filter(({ to, isType }) => to.startsWith('node:') && !isType).map(show), [])
})

t.test('nobody imports the plugins but the plugins', async (t) => {
  t.same(all.filter(({ from, to }) => to.startsWith('plugins/') && !from.startsWith('plugins/')).map(show), [])
})

t.test('an engine is known in its own folder, and to the one who chooses it', async (t) => {
  for (const engine of ['sqlite', 'postgres']) {
    const mayKnow = new RegExp(`^lib/store/(${engine}/|engines\\.ts)`)
    t.same(all.filter(({ from, to }) => to.startsWith(`lib/store/${engine}/`) && !mayKnow.test(from)).map(show), [])
  }
  for (const [library, folder] of [['better-sqlite3', 'sqlite'], ['pg', 'postgres']]) {
    const mayLoad = new RegExp(`^(lib/store/${folder}|examples)/`)
    t.same(all.filter(({ from, to, isType }) => to === library && !isType && !mayLoad.test(from)).map(show), [])
  }
  const words = /SQLITE_[A-Z]|\bPRAGMA\b|\bpragma_|\.pragma\(/
  const files = ['lib', 'plugins'].flatMap(sources).filter((file) => !/^lib\/store\/sqlite\//.test(file))
  // Codes of ours name it to the user.
  t.same(files.filter((file) => words.test(read(file).replaceAll(/AGENT_TIMELINE_\w+/g, ''))), [])
})

t.test('queries are built where the tables are known, and nowhere else', async (t) => {
  const mayQuery = /^(lib\/(store|host)|migrations)\//
  t.same(all.filter(({ from, to, isType }) => to === 'kysely' && !isType && !mayQuery.test(from)).map(show), [])
})

t.test('what is live knows nothing of a database, and a provider works without one', async (t) => {
  t.same(of('lib/live').filter(({ to }) => /^lib\/(recorder|host|providers)\//.test(to) || to === 'kysely').map(show), [])
  t.same(of('lib/providers').filter(({ to }) => /^lib\/(store|host|recorder|intake)\//.test(to)).map(show), [])
  t.same(of('lib/recorder').filter(({ to }) => to.startsWith('lib/providers/')).map(show), [])
})

t.test('no module keeps state', async (t) => {
  const state: string[] = []
  for (const file of ['lib', 'plugins', 'migrations'].flatMap(sources)) {
    for (const line of read(file).split('\n')) {
      const isVariable = /^(export )?(let|var) /.test(line)
      // What is filled where it is made is a table; what is born empty waits to be filled.
      const isContainer = /^(export )?const \w+(: .*)? = (new (Map|Set|WeakMap|WeakSet)(<.*>)?\(\)|\[\]|\{\})/.test(line)
      if (isVariable || isContainer) state.push(`${file}: ${line}`)
    }
  }
  t.same(state, [])
})
