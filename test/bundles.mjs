// Bundles a host with webpack, Vite and @vercel/ncc, fetched from the registry, and runs what they made where nothing
// of the package is found any more. (esbuild is tried by `npm test`.)
import { strictEqual, deepStrictEqual } from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REQUIRE = "import { createRequire as makeRequire } from 'node:module'; const require = makeRequire(import.meta.url);"
const expected = JSON.parse(await readFile(new URL('packaging/bundled-host.json', import.meta.url), 'utf8'))
const exec = promisify(execFile)
const folder = await mkdtemp(join(tmpdir(), 'agent-timeline-bundles-'))
const run = (file, args, cwd = folder) => exec(file, args, { cwd, timeout: 600_000 })
const entry = join(folder, 'host.mjs')
const load = (name) => import(createRequire(entry).resolve(name))

const BUNDLERS = {
  async webpack () {
    const { default: webpack } = await load('webpack')
    const stats = await promisify(webpack)({
      mode: 'production',
      target: 'node',
      entry,
      output: { path: join(folder, 'out/webpack'), filename: 'host.cjs' },
      externals: { 'better-sqlite3': 'commonjs better-sqlite3' }
    })
    strictEqual(stats.hasErrors(), false, stats.toString('errors-only'))
    return 'out/webpack/host.cjs'
  },
  async vite () {
    const { build } = await load('vite')
    await build({
      root: folder,
      logLevel: 'error',
      ssr: { noExternal: true },
      build: {
        ssr: entry,
        outDir: 'out/vite',
        rollupOptions: { external: ['better-sqlite3'], output: { entryFileNames: 'host.mjs', banner: REQUIRE } }
      }
    })
    return 'out/vite/host.mjs'
  },
  async ncc () {
    await run('npx', ['ncc', 'build', entry, '-o', 'out/ncc', '-e', 'better-sqlite3', '--no-cache'])
    return `out/ncc/${(await readdir(join(folder, 'out/ncc'))).find((name) => /^index\.m?js$/.test(name))}`
  }
}

try {
  await cp(new URL('packaging/bundled-host.mjs', import.meta.url), entry)
  await writeFile(join(folder, 'package.json'), '{ "type": "module", "private": true }')
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], ROOT)
  const packed = join(folder, JSON.parse(stdout)[0].filename)
  // Without better-sqlite3's own script: it takes a minute to compile, and the one built here runs in its place.
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts']
  await run('npm', ['install', ...flags, packed, 'fastify@5', 'webpack@5', 'vite@7', '@vercel/ncc'])
  const outputs = {}
  for (const [name, bundle] of Object.entries(BUNDLERS)) outputs[name] = await bundle()
  await rename(join(folder, 'node_modules'), join(folder, 'moved'))
  await mkdir(join(folder, 'node_modules'))
  for (const name of ['better-sqlite3', 'bindings', 'file-uri-to-path']) {
    await cp(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true })
  }
  for (const [name, file] of Object.entries(outputs)) {
    const { stdout, stderr } = await run(process.execPath, [file, `${name}.db`])
    strictEqual(stderr, '', `${name} complains of nothing`)
    deepStrictEqual(JSON.parse(stdout), expected)
    console.log(`${name}: starts, records, beats from a thread and serves the pages`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
