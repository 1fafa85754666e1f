import { build, transform } from 'esbuild'
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** What a page pays for the element, everything included. */
const MAX_CLIENT_GZIP_BYTES = 48_000
const SOURCE = fileURLToPath(new URL('.', import.meta.url))
/** A folder may be named, for trying things out beside a build. */
const TARGET = resolve(process.argv[2] ?? fileURLToPath(new URL('../dist/client', import.meta.url))) + '/'

/** Style sheets become strings, without their spaces. */
const cssAsText = {
  name: 'css-as-text',
  setup ({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true })
      return { contents: code.trim(), loader: 'text' }
    })
  }
}

await mkdir(TARGET + 'pages', { recursive: true })
const [{ metafile }] = await Promise.all([
  build({
    entryPoints: { client: `${SOURCE}index.ts`, 'pages/index': `${SOURCE}pages/index.ts`, 'pages/task': `${SOURCE}pages/task.ts` },
    outdir: TARGET,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    metafile: true,
    banner: { js: '/*! Contains preact (MIT) and htm (Apache-2.0) */' },
    plugins: [cssAsText]
  }),
  ...['index.html', 'task.html'].map((name) => cp(`${SOURCE}pages/${name}`, `${TARGET}pages/${name}`)),
  readFile(`${SOURCE}pages/page.css`, 'utf8')
    .then((css) => transform(css, { loader: 'css', minify: true }))
    .then(({ code }) => writeFile(`${TARGET}pages/page.css`, code))
])

/** What pages load, and pages, as texts: a host's bundle has no files of ours beside it. */
const NAMES = ['client.js', 'pages/index.html', 'pages/index.js', 'pages/page.css', 'pages/task.html', 'pages/task.js']
const assets = Object.fromEntries(await Promise.all(NAMES.map(async (name) => [name, await readFile(TARGET + name, 'utf8')])))
await writeFile(TARGET + 'assets.js', `export const ASSETS = ${JSON.stringify(assets, null, 2)}\n`)
await writeFile(TARGET + 'THIRD-PARTY-NOTICES.txt', await noticesOf(metafile))

const gzipBytes = gzipSync(await readFile(TARGET + 'client.js'), { level: 9 }).length
console.log(`client.js: ${gzipBytes} bytes gzip of ${MAX_CLIENT_GZIP_BYTES}`)
// No reason not to install: a test sees to it.
if (gzipBytes > MAX_CLIENT_GZIP_BYTES) console.error('The client is larger than it promises to be')

/** The licences of the packages that ended up in the bundles. */
async function noticesOf ({ inputs }) {
  const folders = new Set(Object.keys(inputs).map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean))
  const notices = await Promise.all([...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} comes without the text of its licence`)
    return `${name} ${version} (${license})\n\n${(await readFile(`${folder}/${file}`, 'utf8')).trim()}\n`
  }))
  return `client.js and pages/*.js contain code of these packages.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`
}
