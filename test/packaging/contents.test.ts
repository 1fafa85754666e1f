import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import { COLOURS } from '../../client/view/styles/colours.js'
import { run } from './packed-host.js'

t.setTimeout(300_000)

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

t.test('the package has what it needs, and nothing else', async (t) => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  const paths: string[] = JSON.parse(stdout)[0].files.map(({ path }: { path: string }) => path)
  for (const path of [
    'LICENSE', 'README.md', 'CHANGELOG.md', 'docs/api.md', 'docs/stream.md', 'dist/client/client.js',
    'dist/client/THIRD-PARTY-NOTICES.txt', 'dist/plugins/cli/command-line.js',
    'migrations/010_invocation_lifecycle.sqlite.sql', 'migrations/010_invocation_lifecycle.postgres.sql'
  ]) t.ok(paths.includes(path), path)
  const { exports, typesVersions } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  for (const [subpath, target] of Object.entries<string | { types: string, default: string }>(exports)) {
    const files = typeof target === 'string' ? [target] : [target.types, target.default]
    for (const file of files) t.ok(paths.includes(file.slice(2)), `${subpath}: ${file}`)
    if (typeof target === 'string' || subpath === '.') continue
    t.same(typesVersions['*'][subpath.slice(2)], [target.types], `${subpath} under moduleResolution node10`)
  }
  const isWanted = /^(dist|docs|migrations)\/|^(LICENSE|README\.md|CHANGELOG\.md|(package|custom-elements)\.json)$/
  const isRecording = /^test\/fixtures\/transcripts\/claude-2\.1\.330\/(main|parallel)\./
  t.same(paths.filter((path) => !isWanted.test(path) && !isRecording.test(path)), [])
  t.same(paths.filter((path) => /\.(test|spec)\.|\.db(-wal|-shm)?$|\.tap\/|tsbuildinfo/.test(path)), [])
})

t.test('the manifest of the elements says what they have', async (t) => {
  const { customElements } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  const { modules: [{ declarations, path }] } = JSON.parse(await readFile(join(ROOT, customElements), 'utf8'))
  interface Named { readonly name: string }
  const namesOf = (entries: readonly Named[]): string[] => entries.map(({ name }) => name).sort()
  const client = await import(pathToFileURL(join(ROOT, path)).href) as Record<string, { observedAttributes: string[] }>
  const view = join(ROOT, 'client/view')
  const sources = await Promise.all((await readdir(view)).filter((name) => name.endsWith('.ts')).map(async (name) => {
    return { name, text: await readFile(join(view, name), 'utf8') }
  }))
  const isOfList = (name: string): boolean => ['task-list.ts', 'task-row.ts', 'list-element.ts', 'list-view.ts'].includes(name)
  const guide = await readFile(join(ROOT, 'docs/embedding.md'), 'utf8')
  for (const { name, attributes, events, cssParts, cssProperties } of declarations) {
    const own = sources.filter((source) => isOfList(source.name) === (name === 'AgentTimelineListElement')).map(({ text }) => text).join('')
    const all = new Set([...client[name]!.observedAttributes, 'theme', 'notify'])
    t.same(namesOf(attributes), [...all].sort(), `attributes of ${name}`)
    const parts = [...own.matchAll(/part="([\w-]+)"|part=\$\{'([\w-]+)'\}/g)].map(([, one, other]) => one ?? other)
    t.same(namesOf(cssParts), [...new Set(parts)].sort(), `parts of ${name}`)
    t.same(namesOf(events), [...new Set([...own.matchAll(/tell\('([\w-]+)'/g)].map(([, event]) => event))].sort(), `events of ${name}`)
    for (const each of [...attributes, ...events, ...cssParts] as Named[]) t.ok(guide.includes(`\`${each.name}\``), `the guide names ${each.name}`)
    for (const colour of Object.keys(COLOURS)) t.ok(namesOf(cssProperties).includes(`--agent-timeline-${colour}`), colour)
  }
})

t.test('the licences of what the client contains are in the package', async (t) => {
  const notices = await readFile(join(ROOT, 'dist/client/THIRD-PARTY-NOTICES.txt'), 'utf8')
  for (const name of ['preact', 'htm']) {
    const folder = join(ROOT, 'node_modules', name)
    const { version } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
    t.match(notices, `${name} ${version} (`)
    t.match(notices, (await readFile(join(folder, 'LICENSE'), 'utf8')).trim())
  }
})
