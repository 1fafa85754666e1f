import { stat } from 'node:fs/promises'
import { timelineError, type TimelineError } from '../../errors.js'

/**
 * Tells why a program could not be started. Node says `spawn x ENOENT` for a missing program and for a missing working
 * directory alike, and throws E2BIG where one argument is longer than 128 KiB (Linux, MAX_ARG_STRLEN).
 */
export async function spawnError (error: unknown, command: string, cwd: string | undefined): Promise<TimelineError> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (cwd !== undefined && ['ENOENT', 'ENOTDIR', 'EACCES'].includes(code) && !await isDirectory(cwd)) {
    return timelineError('AGENT_TIMELINE_CWD_NOT_FOUND', [cwd], error)
  }
  if (code === 'ENOENT') return timelineError('AGENT_TIMELINE_COMMAND_NOT_FOUND', [command], error)
  if (code === 'EACCES' || code === 'ENOEXEC' || code === 'EPERM') {
    return timelineError('AGENT_TIMELINE_COMMAND_NOT_EXECUTABLE', [command], error)
  }
  if (code === 'E2BIG') {
    return timelineError('AGENT_TIMELINE_SPAWN_FAILED', [command, 'its arguments or environment are too long'], error)
  }
  return timelineError('AGENT_TIMELINE_SPAWN_FAILED', [command, error instanceof Error ? error.message : String(error)], error)
}

async function isDirectory (path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    return false
  }
}
