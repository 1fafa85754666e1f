import type { ProcessEnd } from './process-runner.js'

export type { ProcessEnd }

/** A text without colours. */
export function plain (text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/\x1b\[[0-9;]*m/g, '')
}

/** The last line of stderr with something on it, without colours. */
export function lastErrorLine ({ stderrTail }: ProcessEnd): string | undefined {
  const lines = plain(stderrTail).split('\n').map((line) => line.trim())
  return lines.findLast((line) => line !== '')
}

/** `exit code 1`, `signal SIGTERM`. */
export function howEnded ({ exitCode, signal }: ProcessEnd): string {
  return signal === null ? `exit code ${String(exitCode)}` : `signal ${signal}`
}
