import type { ProcessEnd } from './process-runner.js'

export type { ProcessEnd }

/** The last line of stderr with something on it, without colours. */
export function lastErrorLine ({ stderrTail }: ProcessEnd): string | undefined {
  // eslint-disable-next-line no-control-regex
  const lines = stderrTail.replace(/\x1b\[[0-9;]*m/g, '').split('\n').map((line) => line.trim())
  return lines.findLast((line) => line !== '')
}

/** `exit code 1`, `signal SIGTERM`. */
export function howEnded ({ exitCode, signal }: ProcessEnd): string {
  return signal === null ? `exit code ${String(exitCode)}` : `signal ${signal}`
}
