import { setTimeout as pause } from 'node:timers/promises'
import { alternate, isSmoke } from './measure.mjs'
import { activityAt, openDocumentPath, openTimelinePath } from './write-paths.mjs'

const CALLS = isSmoke ? 200 : 20_000
/** The first run of a process starts its heartbeat thread, whose CPU is none of the call's. */
const THREAD_START_MS = 500

/** Calls before those that count: an orchestrator runs for hours, so its code is compiled long before. */
const WARM_UP_CALLS = isSmoke ? 200 : 60_000

/** CPU that one call of `onActivity` takes from the agent's process before it returns. */
export async function onActivity () {
  const measure = (open) => async (directory) => {
    const path = await open(directory)
    for (let index = 0; index < WARM_UP_CALLS; index++) path.onActivity(activityAt(index))
    await path.flush?.()
    const activities = Array.from({ length: CALLS }, (_, index) => activityAt(WARM_UP_CALLS + index))
    await pause(THREAD_START_MS)
    const before = process.cpuUsage()
    for (const activity of activities) path.onActivity(activity)
    const { user, system } = process.cpuUsage(before)
    await path.close(WARM_UP_CALLS + CALLS)
    return (user + system) / CALLS
  }
  return [{
    title: `The onActivity call, ${CALLS.toLocaleString('en-US')} in a row, all stored`,
    metric: 'CPU before it returns',
    unit: 'µs',
    figures: await alternate({
      'Timeline: onActivity': measure(openTimelinePath),
      "the document's INSERT + UPDATE": measure(openDocumentPath)
    }),
    isHigherBetter: false,
    target: { text: '<= 1/20 of it', isMet: ({ ratios }) => Object.values(ratios)[0] >= 20 }
  }]
}
