import { activityAt } from '../write-paths.mjs'

const MARK = / # (\d+) @(\d+)\.*$/

/** The activity with its number and the moment it was due, on the clock that the machine's processes share. */
export function activityWithDue (index, dueAt, padding = 0) {
  const activity = activityAt(index)
  return { ...activity, message: `${activity.message} @${dueAt / 1000n}${'.'.repeat(padding)}` }
}

/** Number and due time in microseconds of an activity's message. */
export function readDue (message) {
  const [, index, dueAt] = MARK.exec(message)
  return { index: Number(index), dueAtMicros: Number(dueAt) }
}
