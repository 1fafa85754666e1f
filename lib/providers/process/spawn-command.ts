import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process'
import { once } from 'node:events'

/**
 * Starts a program without a shell; resolves when it runs.
 *
 * On Windows, CLIs that npm installed are `.cmd` files, which the system cannot start by itself (ENOENT without their
 * extension, EINVAL with it): these go through cmd.exe, with arguments that it leaves as they are.
 */
export async function spawnCommand (
  command: string, args: readonly string[], options: SpawnOptions
): Promise<ChildProcess> {
  try {
    return await started(spawn(command, args, options))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (process.platform !== 'win32' || !['ENOENT', 'EINVAL'].includes(code)) throw error
    // @ts-ignore -- its types are a package of their own, which may not be installed
    const { default: crossSpawn } = await import('cross-spawn') as { default: typeof spawn }
    return await started(crossSpawn(command, [...args], options))
  }
}

async function started (child: ChildProcess): Promise<ChildProcess> {
  await once(child, 'spawn')
  return child
}
