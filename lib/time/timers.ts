import { performance } from 'node:perf_hooks'
import timers from 'node:timers'
import promises from 'node:timers/promises'

// A host's test that fakes timers (Jest, Vitest, node:test) replaces the global ones, and node:test those of the
// modules, too. What waits for a fake one would stop with it, and so would the run that is recorded: these are real.
export { performance }
export const { setTimeout, clearTimeout, setInterval, clearInterval, setImmediate, clearImmediate } = timers
/** As `setTimeout` of `node:timers/promises`. */
export const sleep = promises.setTimeout
/** Lets everything else have its turn: `setImmediate` of `node:timers/promises`. */
export const nextTurn = promises.setImmediate
