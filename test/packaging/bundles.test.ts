import { join } from 'node:path'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { build, type BuildOptions } from 'esbuild'
import t from 'tap'
import { makePackedHost, run } from './packed-host.js'

t.setTimeout(300_000)

/** What CommonJS packages in an ES module call. */
const banner = { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" }

t.test('a host in one file starts, records, beats from a thread and serves the pages', async (t) => {
  const host = await readFile(new URL('bundled-host.mjs', import.meta.url), 'utf8')
  const expected: unknown = JSON.parse(await readFile(new URL('bundled-host.json', import.meta.url), 'utf8'))
  const folder = await makePackedHost(t, { 'host.mjs': host, 'client/client.js': 'of the host' })
  const common = {
    entryPoints: [join(folder, 'host.mjs')], bundle: true, platform: 'node', external: ['better-sqlite3'], logLevel: 'error'
  } satisfies BuildOptions
  const [esm, cjs] = [join(folder, 'out/plugins/host.mjs'), join(folder, 'out/host.cjs')]
  await build({ ...common, outfile: esm, format: 'esm', banner })
  await build({ ...common, outfile: cjs, format: 'cjs', minify: true })
  // From now on nothing of the package is found, and what lies where it would have its own files is the host's.
  await rename(join(folder, 'node_modules'), join(folder, 'moved'))
  await writeFile(join(folder, 'package.json'), '{ "name": "a-host", "type": "module" }')

  for (const file of [esm, cjs]) {
    const { stdout, stderr } = await run(process.execPath, [file, `${file}.db`], { cwd: folder })
    t.equal(stderr, '', `${file} complains of nothing`)
    t.strictSame(JSON.parse(stdout), expected, file)
  }
})
