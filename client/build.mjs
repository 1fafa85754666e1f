import { build, transform } from 'esbuild'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
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
await Promise.all([
  build({
    entryPoints: { client: `${SOURCE}index.ts`, 'pages/index': `${SOURCE}pages/index.ts`, 'pages/task': `${SOURCE}pages/task.ts` },
    outdir: TARGET,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    plugins: [cssAsText]
  }),
  ...['index.html', 'task.html'].map((name) => cp(`${SOURCE}pages/${name}`, `${TARGET}pages/${name}`)),
  readFile(`${SOURCE}pages/page.css`, 'utf8')
    .then((css) => transform(css, { loader: 'css', minify: true }))
    .then(({ code }) => writeFile(`${TARGET}pages/page.css`, code))
])

const gzipBytes = gzipSync(await readFile(TARGET + 'client.js'), { level: 9 }).length
console.log(`client.js: ${gzipBytes} bytes gzip of ${MAX_CLIENT_GZIP_BYTES}`)
// No reason not to install: a test sees to it.
if (gzipBytes > MAX_CLIENT_GZIP_BYTES) console.error('The client is larger than it promises to be')
