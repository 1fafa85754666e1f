import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { alternate, isSmoke } from '../measure.mjs'
import { NAMES } from './contenders.mjs'
import { withChildren } from './child.mjs'

const SILENT = isSmoke ? 2 : 20
const COUNT = isSmoke ? 50 : 10_000
const PADDING = 2_000

const MAX_MEGABYTES = 8

/** Viewers that never read, during a flood that another reads: what memory the server gives them. */
export async function slowViewers () {
  return [{
    title: `${SILENT} viewers that never read, ${Math.round(COUNT * (PADDING + 300) / 1e6)} MB of activities`,
    metric: "server's peak memory above that of the same flood without them",
    unit: 'MB',
    figures: await alternate(Object.fromEntries(NAMES.map((name) => [name, async (directory) => {
      const peaks = []
      for (const silent of [0, SILENT]) {
        const own = join(directory, String(silent))
        mkdirSync(own)
        peaks.push(await peakOf(name, own, silent))
      }
      return (peaks[1] - peaks[0]) / 1e6
    }])), { hasWarmUp: false }),
    isHigherBetter: false,
    target: { text: `< ${MAX_MEGABYTES} MB`, isMet: ({ ours }) => ours < MAX_MEGABYTES }
  }]
}

async function peakOf (name, directory, silent) {
  return withChildren(async (start) => {
    const server = await start('./server.mjs', [name, directory])
    const { port, path } = server.first
    const reading = await start('./viewers.mjs', [port, path, 1])
    if (silent > 0) await start('./viewers.mjs', [port, path, silent, 'silent'])
    // No faster than a disk takes it: what waits to be written is not what is measured.
    await server.ask('tellAll', { count: COUNT, padding: PADDING, perFlush: 500 })
    await reading.ask('reach', { events: COUNT })
    return (await server.ask('usage')).peakBytes
  })
}
