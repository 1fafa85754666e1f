import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** Builds the client as it is now into a folder; fails where the build would. */
export async function buildClient (folder: string): Promise<string> {
  const script = fileURLToPath(new URL('../../../client/build.mjs', import.meta.url))
  await promisify(execFile)(process.execPath, [script, folder])
  return `${folder}/`
}
