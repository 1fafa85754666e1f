import { alternate, report } from './measure.mjs'
import { activityAt, openDocumentPath, openRawPath, openTimelinePath } from './write-paths.mjs'

const ROWS = 50_000

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
  report(`Durable ingest (${ROWS} activities, WAL, synchronous=NORMAL, all counted afterwards)`, 'rows/s', await alternate({
    Timeline: measure(openTimelinePath),
    "the document's INSERT + UPDATE": measure(openDocumentPath),
    'better-sqlite3 by hand, our schema, batches of 500': measure(openRawPath)
  }), { isHigherBetter: true })
}
