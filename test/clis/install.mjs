import { execFile } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CLIS } from './clis.mjs'

const run = promisify(execFile)
const INSTALL_MS = 600_000

/** Installs the CLIs into a scratch folder with npm. Gives the directory of their commands and the Node to run them. */
export async function installClis (folder, names) {
  writeFileSync(join(folder, 'package.json'), '{"private":true}\n')
  const packages = [...new Set(names.map((name) => `${CLIS[name].package}@${CLIS[name].version}`))]
  try {
    await run('npm', ['install', '--no-audit', '--no-fund', '--no-save', '--loglevel=error', '--fetch-retries=1', ...packages], {
      cwd: folder, timeout: INSTALL_MS, maxBuffer: 16 * 1024 * 1024
    })
  } catch (error) {
    const said = String(error.stderr ?? error.message).split('\n').find((line) => line.includes('error')) ?? error.message
    throw new Error(`npm could not install ${packages.join(', ')}: ${said}`)
  }
  const bin = join(folder, 'node_modules/.bin')
  for (const name of names) {
    const { version } = JSON.parse(readFileSync(join(folder, 'node_modules', CLIS[name].package, 'package.json'), 'utf8'))
    if (version !== CLIS[name].version) throw new Error(`${name} is ${version}, the recordings are of ${CLIS[name].version}`)
  }
  writeSearchTool(join(folder, 'tools'))
  const node = await nodeFor(folder, names)
  return { bin, path: [join(folder, 'tools'), node, bin, process.env.PATH].join(':') }
}

/** The recorded sessions search with `rg`, which is not everywhere. */
function writeSearchTool (folder) {
  mkdirSync(folder)
  writeFileSync(join(folder, 'rg'), '#!/bin/sh\nexec grep -rn TODO src/\n')
  chmodSync(join(folder, 'rg'), 0o755)
}

/** The directory of a Node that is new enough for all of them: this one, or one that npx brings. */
async function nodeFor (folder, names) {
  const needed = Math.max(...names.filter((name) => CLIS[name].isNative !== true).map((name) => {
    const { engines = {} } = JSON.parse(readFileSync(join(folder, 'node_modules', CLIS[name].package, 'package.json'), 'utf8'))
    return Number(/\d+/.exec(engines.node ?? '')?.[0] ?? 0)
  }), 0)
  if (Number(process.versions.node.split('.')[0]) >= needed) return join(process.execPath, '..')
  try {
    const { stdout } = await run('npx', ['-y', '-p', 'node@24', 'node', '-p', 'process.execPath'], { timeout: INSTALL_MS })
    return join(stdout.trim(), '..')
  } catch (error) {
    throw new Error(`Node ${needed} is needed, this is ${process.version}, and npx cannot bring one: ${error.message}`)
  }
}
