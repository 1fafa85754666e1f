import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'

const exec = promisify(execFile)

/** Runs a program without the loader that tap runs tests under; ends it after two minutes. */
export async function run (
  file: string, args: readonly string[], { cwd }: { cwd: string }
): Promise<{ stdout: string, stderr: string }> {
  return exec(file, [...args], { cwd, env: { ...process.env, NODE_OPTIONS: '' }, timeout: 120_000 })
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/**
 * A folder with the packed package installed, as npm would unpack it; whatever else is imported comes from this
 * repository's `node_modules`, which lies above.
 */
export async function makePackedHost (t: Test, files: Readonly<Record<string, string>>): Promise<string> {
  const cache = join(ROOT, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const folder = await mkdtemp(join(cache, 'packed-host-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const target = join(folder, 'node_modules', 'fastify-agent-timeline')
  await mkdir(target, { recursive: true })
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
  await run('sh', ['-c', `tar -xzf ${folder}/*.tgz --strip-components=1 -C ${target}`], { cwd: folder })
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return folder
}
