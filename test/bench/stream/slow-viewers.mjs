import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { alternate, figuresOf, isSmoke } from '../measure.mjs'
import { NAMES } from './contenders.mjs'
import { withChildren } from './child.mjs'

const SILENT = isSmoke ? 2 : 20
const COUNT = isSmoke ? 50 : 10_000
const PADDING = 2_000

const MAX_MEGABYTES = 8

/** Viewers that never read, during a flood that another reads: what memory the server gives them. */
export async function slowViewers () {
  const rounds = await alternate(Object.fromEntries(NAMES.map((name) => [name, async (directory) => {
    const without = await memoryOf(name, join(directory, 'without'), 0)
    const beside = await memoryOf(name, join(directory, 'beside'), SILENT)
    return { held: (beside.held - without.held) / 1e6, peak: (beside.peak - without.peak) / 1e6 }
  }])), { hasWarmUp: false })
  const row = (metric, key) => ({
    title: `${SILENT} viewers that never read, ${Math.round(COUNT * (PADDING + 300) / 1e6)} MB of activities`,
    metric: `${metric} above that of the same flood without them`,
    unit: 'MB',
    figures: figuresOf(rounds, key),
    isHigherBetter: false,
    target: { text: `< ${MAX_MEGABYTES} MB`, isMet: ({ ours }) => ours < MAX_MEGABYTES }
  })
  return [row('live objects and buffers at its end', 'held'), row("server's peak resident memory", 'peak')]
}

/** @returns in bytes */
async function memoryOf (name, directory, silent) {
  mkdirSync(directory)
  return withChildren(async (start) => {
    const server = await start('./server.mjs', [name, directory])
    const { port, path } = server.first
    const reading = await start('./viewers.mjs', [port, path, 1])
    if (silent > 0) await start('./viewers.mjs', [port, path, silent, 'silent'])
    // No faster than a disk takes it: what waits to be written is not what is measured.
    await server.ask('tellAll', { count: COUNT, padding: PADDING, perFlush: 500 })
    await reading.ask('reach', { events: COUNT })
    const { heapUsed, external, peakBytes } = await server.ask('usage', { collect: true })
    return { held: heapUsed + external, peak: peakBytes }
  })
}
