#!/usr/bin/env node
import { runCommand } from './commands.js'

const ending = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => ending.abort())
// A reader such as `head` that has seen enough is no error.
process.stdout.on('error', () => ending.abort())

process.exitCode = await runCommand(process.argv.slice(2), {
  print: (line) => { process.stdout.write(line + '\n') },
  printError: (line) => { process.stderr.write(line + '\n') },
  signal: ending.signal
})
