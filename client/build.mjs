import { build, transform } from 'esbuild'
import { cp, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** What a page pays for a first look: the element, and every part that it cannot do without. */
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

await rm(TARGET + 'parts', { recursive: true, force: true })
await mkdir(TARGET + 'pages', { recursive: true })
const common = {
  outdir: TARGET,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  metafile: true,
  banner: { js: '/*! Contains preact (MIT) and htm (Apache-2.0) */' }
}
const [pages, list] = await Promise.all([
  build({ ...common, entryPoints: { 'pages/index': `${SOURCE}pages/index.ts`, 'pages/task': `${SOURCE}pages/task.ts` }, plugins: [cssAsText] }),
  // Whole by itself: what it has in common with the timeline would be so many files that both would load slower.
  build({ ...common, entryPoints: { list: `${SOURCE}view/list-view.ts` }, entryNames: 'parts/[name]-[hash]', plugins: [cssAsText] }),
  ...['index.html', 'task.html'].map((name) => cp(`${SOURCE}pages/${name}`, `${TARGET}pages/${name}`)),
  readFile(`${SOURCE}pages/page.css`, 'utf8')
    .then((css) => transform(css, { loader: 'css', minify: true }))
    .then(({ code }) => writeFile(`${TARGET}pages/page.css`, code))
])
const listPart = nameOf(Object.keys(list.metafile.outputs)[0])
const client = await build({
  ...common,
  entryPoints: { client: `${SOURCE}index.ts` },
  // What is loaded when it is opened has the name of its content: a page that was open while the server was replaced
  // never mixes two builds.
  splitting: true,
  chunkNames: 'parts/[name]-[hash]',
  plugins: [cssAsText, {
    name: 'list-as-part',
    setup ({ onResolve }) {
      onResolve({ filter: /\/list-view\.js$/ }, () => ({ path: `./${listPart}`, external: true }))
    }
  }]
})

/** Files of the build by their paths below the folder, each with those it cannot do without. */
const outputs = new Map([pages, list, client]
  .flatMap(({ metafile }) => Object.entries(metafile.outputs))
  .map(([path, { imports }]) => {
    const needed = imports.filter(({ kind }) => kind === 'import-statement')
    return [nameOf(path), needed.map(({ path }) => nameOf(path))]
  }))
const firstLook = ['client.js', ...outputs.get('client.js')]
// A browser asks for all parts at once, instead of for one after the other.
const preload = firstLook.slice(1).map((name) => `  <link rel="modulepreload" href="{{base}}${name}">\n`).join('')
const taskPage = await readFile(`${SOURCE}pages/task.html`, 'utf8')
await writeFile(`${TARGET}pages/task.html`, taskPage.replace('</head>', `${preload}</head>`))

/** What pages load, and pages, as texts: a host's bundle has no files of ours beside it. */
const NAMES = [...outputs.keys(), 'pages/index.html', 'pages/page.css', 'pages/task.html'].sort()
const assets = Object.fromEntries(await Promise.all(NAMES.map(async (name) => {
  return [name, await readFile(TARGET + name, 'utf8')]
})))
await writeFile(TARGET + 'assets.js', `export const ASSETS = ${JSON.stringify(assets, null, 2)}\n`)
await writeFile(TARGET + 'THIRD-PARTY-NOTICES.txt', await noticesOf(...[pages, list, client].map(({ metafile }) => metafile)))

const sizes = await Promise.all(firstLook.map(async (name) => {
  return gzipSync(await readFile(TARGET + name), { level: 9 }).length
}))
const gzipBytes = sizes.reduce((sum, size) => sum + size, 0)
console.log(`first look: ${gzipBytes} bytes gzip of ${MAX_CLIENT_GZIP_BYTES}`)
// No reason not to install: a test sees to it.
if (gzipBytes > MAX_CLIENT_GZIP_BYTES) console.error('The client is larger than it promises to be')

function nameOf (path) {
  return relative(TARGET, resolve(path)).replaceAll('\\', '/')
}

/** The licences of the packages that ended up in the bundles. */
async function noticesOf (...metafiles) {
  const inputs = metafiles.flatMap(({ inputs }) => Object.keys(inputs))
  const folders = new Set(inputs.map((path) => path.match(/^.*node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0]).filter(Boolean))
  const notices = await Promise.all([...folders].sort().map(async (folder) => {
    const { name, version, license } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'))
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry))
    if (file === undefined) throw new Error(`${name} comes without the text of its licence`)
    return `${name} ${version} (${license})\n\n${(await readFile(`${folder}/${file}`, 'utf8')).trim()}\n`
  }))
  return `client.js, parts/*.js and pages/*.js contain code of these packages.\n\n${notices.join(`\n${'-'.repeat(80)}\n\n`)}`
}
