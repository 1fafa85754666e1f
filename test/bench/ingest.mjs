import { alternate, isSmoke } from './measure.mjs'
import { activityAt, openDocumentPath, openRawPath, openTimelinePath } from './write-paths.mjs'

const ROWS = isSmoke ? 500 : 50_000
const DOCUMENT = "the document's INSERT + UPDATE"
const RAW = 'better-sqlite3 by hand, our schema, batches of 500'

/** Activities per second from the first call until the last is committed. */
export async function ingest () {
  const measure = (open) => async (directory) => {
    const path = await open(directory)
    const startedAt = performance.now()
    for (let index = 0; index < ROWS; index++) path.onActivity(activityAt(index))
    await path.flush?.()
    const seconds = (performance.now() - startedAt) / 1000
    await path.close(ROWS)
    return ROWS / seconds
  }
  return [{
    title: `Durable ingest, ${ROWS.toLocaleString('en-US')} activities, all counted afterwards`,
    metric: 'throughput',
    unit: 'rows/s',
    figures: await alternate({
      Timeline: measure(openTimelinePath),
      [DOCUMENT]: measure(openDocumentPath),
      [RAW]: measure(openRawPath)
    }),
    isHigherBetter: true,
    target: { text: '>= 8 x the document, >= 0.6 x by hand', isMet: ({ ratios }) => ratios[DOCUMENT] >= 8 && ratios[RAW] >= 0.6 }
  }]
}
