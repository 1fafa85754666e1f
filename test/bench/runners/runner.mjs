// One of a crowd of processes that record into one file: by a Timeline, or by hand.
import { setTimeout as pause } from 'node:timers/promises'
import { obey } from '../stream/child.mjs'
import { openByHand } from './by-hand.mjs'
import { openOurs } from './ours.mjs'

const OPENERS = { ours: openOurs, 'by hand': openByHand }
let recorder

/** @returns how long it took in milliseconds, whether it was acknowledged, and what came of it */
async function timed (work) {
  const startedAt = performance.now()
  const [isAcknowledged, result] = await work().then((value) => [true, value], () => [false])
  return { ms: performance.now() - startedAt, isAcknowledged, result }
}

async function begun (taskId) {
  const { result: run, isAcknowledged, ms } = await timed(() => recorder.start(taskId))
  return { run, ms, isAcknowledged: isAcknowledged && run.id !== undefined }
}

async function open ({ contender, path }) {
  recorder = await OPENERS[contender](path)
}

obey({
  open,

  /** Runs one after the other, each of two seconds, until the time is over. */
  async record ({ taskId, rowsASecond, seconds }) {
    const done = { start: [], flush: [], end: [], runs: [] }
    const until = performance.now() + seconds * 1000
    await pause(Math.random() * 1000)
    while (performance.now() < until) {
      const { run, ...start } = await begun(taskId)
      done.start.push(start)
      let rows = 0
      let lost = 0
      for (; rows < rowsASecond * 2; rows++) {
        await pause(1000 / rowsASecond * (0.5 + Math.random()))
        if (run !== undefined && !run.activity(rows)) lost++
      }
      const flushed = await timed(() => recorder.flush())
      const ended = await timed(async () => { await run.end() })
      const id = run?.id
      done.flush.push(flushed)
      done.end.push(ended)
      // Whoever was told that all is stored, will look for it.
      if (id !== undefined && flushed.isAcknowledged) done.runs.push({ id, rows, lost, hasEnded: ended.isAcknowledged })
    }
    return done
  },

  /** From a process that has loaded everything to a run that is stored. */
  async begin ({ contender, path, taskId }) {
    const startedAt = performance.now()
    await open({ contender, path })
    const { run, isAcknowledged } = await begun(taskId)
    const start = { isAcknowledged, ms: performance.now() - startedAt }
    const runs = isAcknowledged ? [{ id: run.id, rows: 0, lost: 0, hasEnded: false }] : []
    return { start: [start], flush: [], end: [], runs }
  },

  close: () => recorder.close()
}, {})
