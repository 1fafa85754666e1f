import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import Fastify from 'fastify'
import agentTimeline from '../plugins/agent-timeline.js'

t.setTimeout(300_000)

/*
 * Markers in the text, as HTML comments on the line before what they speak of:
 *
 *   <!-- run -->                            this block runs as it is; ts is type-checked, too
 *   <!-- options: Name path/to/file.ts -->  the first column of this table has the members of that interface, and all
 */
const root = fileURLToPath(new URL('..', import.meta.url))
const pages = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...markdownIn('docs'), ...markdownIn('docs/decisions')]
const texts = new Map(pages.map((page) => [page, readFileSync(join(root, page), 'utf8')]))
const errors = readFileSync(join(root, 'lib/errors.ts'), 'utf8')
const codes = new Map([...errors.matchAll(/^ {2}(AGENT_TIMELINE_\w+): \[(\d+)/gm)].map(([, code, status]) => [code!, status!]))

interface Example {
  readonly name: string
  readonly language: 'js' | 'ts'
  readonly code: string
}

const examples = pages.flatMap((page) => {
  const found = texts.get(page)!.matchAll(/<!-- run -->\n+```(js|ts)\n([\s\S]*?)\n```/g)
  return [...found].map(({ 1: language, 2: code, index }): Example => {
    const line = texts.get(page)!.slice(0, index).split('\n').length
    return { name: `${page}:${line}`, language: language as 'js' | 'ts', code: code! }
  })
})

t.test('the examples run', async (t) => {
  t.ok(examples.length > 5)
  // Inside the package, so that it can be imported by its name.
  const folder = t.testdir(Object.fromEntries(examples.map((_, index) => [String(index), {}])))
  const typed = examples.flatMap(({ language, code }, index) => {
    if (language !== 'ts') return []
    const path = join(folder, String(index), 'example.mts')
    writeFileSync(path, code)
    return [path]
  })
  t.same(typeErrors(typed, folder), [])
  for (const [index, example] of examples.entries()) {
    t.same(await run(example, join(folder, String(index))), { ended: true, stderr: '', status: 200 }, example.name)
  }
})

t.test('error codes exist, and each has its fix', async (t) => {
  for (const [page, text] of texts) {
    for (const [name] of text.matchAll(/AGENT_TIMELINE_\w+/g)) {
      const isKnown = codes.has(name) || (name.endsWith('_') && [...codes.keys()].some((code) => code.startsWith(name)))
      t.ok(isKnown, `${name} in ${page}`)
    }
  }
  const rows = texts.get('docs/troubleshooting.md')!.split('\n').filter((line) => line.startsWith('| `AGENT_TIMELINE_'))
  const told = rows.map((row) => row.split('|').map((cell) => cell.replaceAll('`', '').trim()))
  t.same(told.map(([, code]) => code).sort(), [...codes.keys()].sort())
  for (const [, code, status] of told) t.equal(status, codes.get(code!), code!)
})

t.test('links lead somewhere', async (t) => {
  for (const [page, text] of texts) {
    for (const [, target] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue
      const [path, anchor] = target!.split('#')
      const file = path === '' ? page : relative(root, resolve(root, dirname(page), path!))
      t.ok(existsSync(join(root, file)), `${page}: ${target}`)
      if (anchor !== undefined) t.ok(slugsOf(texts.get(file) ?? '').has(anchor), `${page}: ${target}`)
    }
  }
})

t.test('tables of options have all that exist, and nothing else', async (t) => {
  let tables = 0
  for (const [page, text] of texts) {
    for (const [, name, path, table] of text.matchAll(/<!-- options: (\w+) (\S+) -->\n((?:\|.*\n)+)/g)) {
      const cells = table!.split('\n').slice(2).map((row) => row.split('|')[1] ?? '')
      const told = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, option]) => option!))
      t.same(told.sort(), membersOf(path!, name!).sort(), `${page}: ${name}`)
      tables++
    }
  }
  t.ok(tables > 5)
})

t.test('the tests that hold the guarantees exist', async (t) => {
  const items = texts.get('docs/guarantees.md')!.matchAll(/^- \[(test\/\S+)\](.+(?:\n {2}.+)*)/gm)
  const named = [...items].flatMap(([, path, rest]) =>
    [...rest!.replace(/\s+/g, ' ').matchAll(/"([^"]+)"/g)].map(([, name]) => [path!, name!] as const))
  t.ok(named.length > 10)
  for (const [path, name] of named) t.ok(readFileSync(join(root, path), 'utf8').includes(name), `${path}: ${name}`)
})

t.test('routes that are told of exist', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(agentTimeline, { database: ':memory:', metrics: true })
  for (const [page, text] of texts) {
    for (const [, url] of text.matchAll(/`GET (\/[^`?]+)/g)) {
      t.ok(app.hasRoute({ method: 'GET', url: url! }), `${page}: ${url}`)
    }
  }
})

t.test('architecture and decisions name files that exist', async (t) => {
  const named = pages.filter((page) => /^docs\/(architecture|decisions\/)/.test(page)).flatMap((page) =>
    [...texts.get(page)!.matchAll(/(?<![\w./-])(?:lib|plugins|client|migrations|test|examples|docs)\/[\w./-]*\w/g)]
      .map(([path]) => [page, path] as const))
  t.ok(named.length > 100)
  for (const [page, path] of named) t.ok(existsSync(join(root, path)), `${path} in ${page}`)
})

t.test('architecture names functions where they are', async (t) => {
  const named = [...texts.get('docs/architecture.md')!.matchAll(/`(\w+)\(\)`[^`]{0,20}\(`((?:lib|plugins|client)\/[\w./-]+\.ts)`\)/g)]
  t.ok(named.length > 10)
  for (const [, name, path] of named) {
    t.match(readFileSync(join(root, path!), 'utf8'), new RegExp(`\\b${name} ?(<[^>]*>)? ?\\(`), `${name} in ${path}`)
  }
})

t.test('every test file is declared as fast or slow, and every declaration is of some', async (t) => {
  const { stdout } = spawnSync(process.execPath, [join(root, 'test/unit.mjs'), '--list'])
  const { unit, slow, undeclared } = JSON.parse(String(stdout)) as Record<string, string[]>
  t.same(undeclared, [])
  t.ok(unit!.length > 20 && slow!.length > 20)
  const lanes = JSON.parse(readFileSync(join(root, 'test/lanes.json'), 'utf8')) as Record<string, string[]>
  for (const [lane, files] of [[lanes.unit!, unit!], [lanes.slow!, slow!]] as const) {
    t.same(lane.filter((name) => !files.some((file) => file.startsWith(name))), [])
  }
})

t.test('a release moves what is unreleased under its version, and there is none of nothing', async (t) => {
  const script = join(root, '.ci/release-changelog.mjs')
  const release = (text: string) => {
    const cwd = t.testdir({ 'CHANGELOG.md': text })
    const env = { ...process.env, npm_package_version: '1.2.3' }
    return { ...spawnSync(process.execPath, [script], { cwd, env }), after: readFileSync(join(cwd, 'CHANGELOG.md'), 'utf8') }
  }
  const { status, after } = release('# Changelog\n\n## [Unreleased]\n\n### Added\n\n- $1 more\n\n## [1.2.2] - 2026-01-01\n')
  t.equal(status, 0)
  t.equal(after.replace(/(?<=1\.2\.3\] - )\d{4}-\d\d-\d\d/, 'DATE'), '# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - DATE\n\n### Added\n\n- $1 more\n\n## [1.2.2] - 2026-01-01\n')
  const nothing = '# Changelog\n\n## [Unreleased]\n\n## [1.2.2] - 2026-01-01\n'
  const refused = release(nothing)
  t.not(refused.status, 0)
  t.equal(refused.after, nothing)
})

/** Runs an example in a process of its own: to its end, or until its server has answered. */
async function run ({ language, code }: Example, cwd: string) {
  const listening = code.replace('port: 3000', 'port: 0')
  const script = language === 'js' ? listening : toJavaScript(listening)
  writeFileSync(join(cwd, 'example.mjs'), `${script}\nprocess.send('end of the example')\n`)
  const child = spawn(process.execPath, ['example.mjs'], {
    cwd, stdio: ['ignore', 'pipe', 'pipe', 'ipc'], env: { ...process.env, NODE_OPTIONS: '' }, timeout: 30_000
  })
  let [stdout, stderr] = ['', '']
  child.stdout!.on('data', (chunk) => { stdout += chunk })
  child.stderr!.on('data', (chunk) => { stderr += chunk })
  const closed = once(child, 'close')
  const ended = await Promise.race([once(child, 'message').then(() => true), closed.then(() => false)])
  const url = /http:\/\/\S+/.exec(stdout)?.[0]
  const status = ended && url !== undefined ? (await fetch(url)).status : 200
  if (url !== undefined) child.kill('SIGTERM')
  const [exitCode] = await closed
  return { ended, stderr, status: url === undefined && exitCode !== 0 ? exitCode : status }
}

function toJavaScript (code: string): string {
  const { ES2022: target } = ts.ScriptTarget
  return ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.ESNext, target } }).outputText
}

function typeErrors (paths: readonly string[], folder: string): string[] {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson({
    ...config.compilerOptions, noEmit: true, declaration: false, rootDir: root
  }, root)
  return ts.getPreEmitDiagnostics(ts.createProgram(paths, options)).map(({ file, messageText }) => {
    const example = examples[Number(relative(folder, dirname(file?.fileName ?? folder)))]
    return `${example?.name}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/** Names of an interface's own members. */
function membersOf (path: string, name: string): string[] {
  const source = ts.createSourceFile(path, readFileSync(join(root, path), 'utf8'), ts.ScriptTarget.ES2022)
  const found = source.statements.filter(ts.isInterfaceDeclaration).find((node) => node.name.text === name)
  return found?.members.map((member) => (member.name as ts.Identifier).text) ?? []
}

function markdownIn (folder: string): string[] {
  return readdirSync(join(root, folder)).filter((name) => name.endsWith('.md')).map((name) => `${folder}/${name}`)
}

/** The anchors that GitHub gives a page's headings. */
function slugsOf (text: string): ReadonlySet<string> {
  const headings = withoutCode(text).matchAll(/^#+ (.+)$/gm)
  return new Set([...headings].map(([, heading]) =>
    heading!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')))
}

function withoutCode (text: string): string {
  return text.replace(/^ *```[\s\S]*?^ *```$/gm, '')
}
