import { createReadStream, createWriteStream, existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { createBrotliDecompress } from 'node:zlib'
import { chromium, type Browser, type LaunchOptions } from 'playwright-core'

/** Nothing of these changes what is tested. */
export const ARGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]
const INSTALLED: Readonly<Record<string, readonly string[]>> = {
  linux: ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'].map((name) => `/usr/bin/${name}`),
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium'
  ],
  win32: [
    'C:/Program Files/Google/Chrome/Application/chrome.exe',
    'C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe'
  ]
}
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url))

/**
 * Starts a Chromium: `$CHROMIUM_PATH`, else one that is installed, else the one inside the package
 * `@sparticuz/chromium`.
 *
 * @throws when there is none: these tests fail rather than skip
 */
export async function launchBrowser (): Promise<Browser> {
  const { args = [], ...options } = await findBrowser()
  return chromium.launch({ headless: true, args: [...ARGS, ...args], ...options })
}

/** Where it is, and what it needs. */
export async function findBrowser (): Promise<LaunchOptions> {
  const chosen = process.env.CHROMIUM_PATH
  if (chosen !== undefined && !existsSync(chosen)) throw new Error(`There is no browser at CHROMIUM_PATH: ${chosen}`)
  const executablePath = chosen ?? INSTALLED[process.platform]?.find((path) => existsSync(path))
  if (executablePath !== undefined) return { executablePath }
  const packed = await unpackBrowser()
  if (packed !== undefined) return packed
  throw new Error('No browser was found. Install Chromium or Chrome, or set CHROMIUM_PATH.')
}

/**
 * Unpacks the browser that comes inside an npm package, once per version. Its own `executablePath()` takes whatever
 * lies in the temporary directory, and its `args` switch off what these tests are about.
 */
async function unpackBrowser (): Promise<LaunchOptions | undefined> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return undefined
  const root = findPackage('@sparticuz/chromium')
  if (root === undefined) return undefined
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
  const folder = join(CACHE, `chromium-${version}`)
  if (!existsSync(join(folder, 'complete'))) await unpack(root, folder)
  return {
    executablePath: join(folder, 'chromium'),
    args: ['--no-zygote'],
    env: {
      ...process.env as Record<string, string>,
      LD_LIBRARY_PATH: join(folder, 'al2023/lib'),
      FONTCONFIG_PATH: join(folder, 'fonts/fonts')
    }
  }
}

function findPackage (name: string): string | undefined {
  let folder: string
  try {
    folder = dirname(createRequire(import.meta.url).resolve(name))
  } catch {
    return undefined
  }
  while (!existsSync(join(folder, 'bin', 'chromium.br'))) {
    if (folder === dirname(folder)) return undefined
    folder = dirname(folder)
  }
  return folder
}

async function unpack (root: string, folder: string): Promise<void> {
  const tarFs = createRequire(join(root, 'package.json'))('tar-fs') as { extract: (path: string) => NodeJS.WritableStream }
  const unfinished = `${folder}.${process.pid}`
  await mkdir(unfinished, { recursive: true })
  const decompress = async (name: string, target: NodeJS.WritableStream): Promise<void> => {
    await pipeline(createReadStream(join(root, 'bin', name)), createBrotliDecompress(), target)
  }
  await Promise.all([
    decompress('chromium.br', createWriteStream(join(unfinished, 'chromium'), { mode: 0o755 })),
    decompress('fonts.tar.br', tarFs.extract(join(unfinished, 'fonts'))),
    decompress('swiftshader.tar.br', tarFs.extract(unfinished)),
    // The libraries that a bare machine lacks.
    decompress('al2023.tar.br', tarFs.extract(join(unfinished, 'al2023')))
  ])
  await writeFile(join(unfinished, 'complete'), '')
  // Another test file may have been faster.
  await rename(unfinished, folder).catch(() => rm(unfinished, { recursive: true, force: true }))
}
