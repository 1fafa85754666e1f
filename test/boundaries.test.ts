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
    return { from: file, to: name.startsWith('.') ? join(dirname(file), name) : name, isType: type !== undefined }
  })
}

const show = ({ from, to }: Import) => `${from} imports ${to}`
const all = ['lib', 'plugins', 'migrations', 'client', 'examples'].flatMap((folder) => sources(folder).flatMap(importsOf))
const of = (folder: string) => all.filter(({ from }) => from.startsWith(`${folder}/`))

t.test('the imports of the whole tree are seen', async (t) => {
  t.ok(all.length > 200)
  t.ok(all.some(({ from, to }) => from === 'plugins/agent-timeline.ts' && to === 'fastify-plugin'))
})

t.test('the core knows neither fastify nor the plugins', async (t) => {
  t.same([...of('lib'), ...of('migrations')].filter(({ to }) => /^@?fastify/.test(to) || to.startsWith('plugins/')).map(show), [])
})

t.test('the client takes nothing but types from the core', async (t) => {
  t.same(of('client').filter(({ to, isType }) => /^(lib|plugins|migrations)\//.test(to) && !isType).map(show), [])
  t.same(of('client').filter(({ to, isType }) => to.startsWith('node:') && !isType).map(show), [])
})

t.test('nobody imports the plugins but the plugins', async (t) => {
  t.same(all.filter(({ from, to }) => to.startsWith('plugins/') && !from.startsWith('plugins/')).map(show), [])
})

t.test('queries are built where the tables are known, and nowhere else', async (t) => {
  const mayQuery = /^(lib\/(store|host)|migrations)\//
  t.same(all.filter(({ from, to, isType }) => to === 'kysely' && !isType && !mayQuery.test(from)).map(show), [])
  t.same(all.filter(({ from, to, isType }) => to === 'better-sqlite3' && !isType && !/^(lib\/store|examples)\//.test(from)).map(show), [])
})

t.test('the store knows nothing of what is live and the plugins, and what is live nothing of a database', async (t) => {
  t.same(of('lib/store').filter(({ to }) => to.startsWith('lib/live/')).map(show), [])
  t.same(of('lib/live').filter(({ to }) => /^lib\/(recorder|host|providers)\//.test(to) || to === 'kysely').map(show), [])
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
