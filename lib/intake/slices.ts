import { nextTurn, performance } from '../time/timers.js'

/** The event loop gets its turn back after this much work on long texts. */
const SLICE_MS = 8

/** Does work that can pause, a slice at a time. */
export async function inSlices<Result> (work: Generator<void, Result, void>): Promise<Result> {
  let sliceStart = performance.now()
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
    if (performance.now() - sliceStart < SLICE_MS) continue
    await nextTurn()
    sliceStart = performance.now()
  }
}

/** Same without a pause, for one that has no place to wait. */
export function atOnce<Result> (work: Generator<void, Result, void>): Result {
  for (;;) {
    const step = work.next()
    if (step.done === true) return step.value
  }
}
