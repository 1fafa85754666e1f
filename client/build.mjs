import { build, transform } from 'esbuild'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { minify } from 'terser'
import { compileTemplates } from './compile-templates.mjs'

/** What a page pays for the element, everything included. */
const MAX_CLIENT_GZIP_BYTES = 26_000
const SOURCE = fileURLToPath(new URL('.', import.meta.url))
/**
 * Names that only the client's own code uses, and never as a value that names a property: short in the bundle, 500
 * bytes fewer.
 */
const OWN_NAMES = new RegExp('AtMs$|^(?:' + [
  'anchor', 'change', 'collapsed', 'colour', 'connection', 'connectionState', 'contentHeight', 'dispatch', 'dropped',
  'errors', 'expanded', 'expansion', 'firstIndex', 'flags', 'hasOlder', 'headless', 'heartbeatMs', 'heights',
  'hiddenLines', 'invocation', 'isActive', 'isDetached', 'isFollowing', 'isGroupOpen', 'isLate', 'isLoaded',
  'isLoadingOlder', 'isLost', 'isNested', 'isParallel', 'isPaused', 'isPinned', 'isRunOpen', 'isSuperseded',
  'isTruncated', 'lastEventId', 'layout', 'lines', 'loadOlder', 'lostForMs', 'nodes', 'nth', 'onChange', 'onElement',
  'onExpand', 'onFollow', 'onFrame', 'onGone', 'onHide', 'onMessage', 'onNearStart', 'onNewest', 'onOpen', 'onPing', 'onRetry', 'onWake',
  'onServerTime', 'onShow', 'onState', 'onVerdict', 'openCalls', 'openRuns', 'openTool', 'pageLimit', 'pollIntervalMs',
  'prepended', 'progressKind', 'reload', 'retryAfterMs', 'retryMs', 'rows', 'runsById', 'scrollFrom', 'serverClock', 'session', 'silentMs', 'similar',
  'sinceMs', 'situation', 'toolCalls', 'toolKind', 'tookMs', 'verdict'
].join('|') + ')$')
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

/** One module of everything the entry needs; terser finds two percent that esbuild leaves. */
async function bundle (entry, outfile) {
  const { outputFiles } = await build({
    entryPoints: [SOURCE + entry],
    write: false,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    mangleProps: OWN_NAMES,
    mangleQuoted: true,
    legalComments: 'none',
    plugins: [cssAsText, compileTemplates]
  })
  const { code } = await minify(outputFiles[0].text, {
    module: true,
    ecma: 2022,
    // Without what gzip undoes better.
    compress: { passes: 2, unsafe: true, inline: 1, lhs_constants: false }
  })
  await writeFile(TARGET + outfile, code)
}

await mkdir(TARGET + 'pages', { recursive: true })
await Promise.all([
  bundle('index.ts', 'client.js'),
  bundle('pages/index.ts', 'pages/index.js'),
  bundle('pages/task.ts', 'pages/task.js'),
  ...['index.html', 'task.html'].map((name) => cp(`${SOURCE}pages/${name}`, `${TARGET}pages/${name}`)),
  readFile(`${SOURCE}pages/page.css`, 'utf8')
    .then((css) => transform(css, { loader: 'css', minify: true }))
    .then(({ code }) => writeFile(`${TARGET}pages/page.css`, code))
])

const gzipBytes = gzipSync(await readFile(TARGET + 'client.js'), { level: 9 }).length
console.log(`client.js: ${gzipBytes} bytes gzip of ${MAX_CLIENT_GZIP_BYTES}`)
// No reason not to install: a test sees to it.
if (gzipBytes > MAX_CLIENT_GZIP_BYTES) console.error('The client is larger than it promises to be')
