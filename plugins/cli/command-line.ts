#!/usr/bin/env node
import { constants } from 'node:os'
import { runCommand } from './commands.js'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** How long a signal to this process may be under way. */
const SIGNAL_MS = 1_000

const ending = new AbortController()
// Listens to the end: what is running ends by itself within seconds, and must not be left behind by a second signal.
const abort = (signal: NodeJS.Signals): void => { ending.abort(signal) }
for (const signal of SIGNALS) process.on(signal, abort)
// A reader such as `head` that has seen enough is no error.
for (const stream of [process.stdout, process.stderr]) stream.on('error', (error) => ending.abort(error))

const exit = await runCommand(process.argv.slice(2), {
  print: (line) => { process.stdout.write(line + '\n') },
  printError: (line) => { process.stderr.write(line + '\n') },
  async write (stream, chunk) {
    return await new Promise((resolve) => {
      process[stream].write(chunk, (error) => { resolve(error === null || error === undefined) })
    })
  },
  signal: ending.signal
})

for (const signal of SIGNALS) process.off(signal, abort)
process.exitCode = typeof exit === 'number' ? exit : 128 + constants.signals[exit]
// Whoever waits for us sees the signal itself, as if there had been nobody in between. On a busy machine it has come
// after the end of all work; where it is ignored, the exit code tells.
if (typeof exit === 'string') {
  process.kill(process.pid, exit)
  setTimeout(() => {}, SIGNAL_MS)
}
