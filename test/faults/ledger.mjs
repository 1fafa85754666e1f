import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'

/**
 * What one process says of itself, outside the database: appended with one system call a line, so that kill -9 takes
 * nothing of it. `P` lines are written before the deed, `A` lines after its acknowledgement.
 *
 * | line | |
 * |---|---|
 * | `S key task` | a start is asked for |
 * | `s key id` | it is acknowledged; without `id` it only waits |
 * | `P key count` | so many activities of the run may exist from now on |
 * | `A key count` | the first so many are acknowledged |
 * | `E key status`, `e key` | an end is asked for, is acknowledged |
 * | `T task id`, `a id` | a task event is asked for, is acknowledged |
 * | `x key code` | something was refused |
 * | `L`, `B` | a commit was done and said to have failed; a commit was refused |
 */
export function openLedger (path) {
  const descriptor = openSync(path, 'a')
  return {
    write: (...words) => { writeSync(descriptor, `${words.join(' ')} ${Date.now()}\n`) },
    close: () => closeSync(descriptor)
  }
}

/** The lines of a ledger as words, each with the time it was written at. */
export function readLedger (path) {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1).map((line) => {
    const words = line.split(' ')
    return { at: Number(words.pop()), words }
  })
}
