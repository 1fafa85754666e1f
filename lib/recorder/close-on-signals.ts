import type { Recorder } from './recorder.js'
import { performance, setTimeout } from '../time/timers.js'

export interface CloseOnSignalsOptions {
  readonly recorder: Pick<Recorder, 'running'>
  /** Tells the runs to end. */
  readonly abort: () => void
  readonly close: () => Promise<void>
}

/** How long runs get to end by themselves, in milliseconds: longer than an adapter needs to end a process tree. */
const GRACE_MS = 8_000

/**
 * On SIGTERM and SIGINT: ends the runs, writes what is queued, closes, and lets the signal do what it would have done.
 *
 * @returns how to stop listening
 */
export function closeOnSignals ({ recorder, abort, close }: CloseOnSignalsOptions): () => void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const stop = () => { for (const name of signals) process.off(name, onSignal) }
  let isEnding = false

  function onSignal (signal: NodeJS.Signals): void {
    // Listening until the end keeps the process: another timeline's last listener would end it under us.
    if (isEnding) return
    isEnding = true
    abort()
    waitForRuns(recorder).then(close).catch(() => {}).finally(() => {
      stop()
      // A host with a listener of its own decides by itself when to exit.
      if (process.listenerCount(signal) <= bystanders()) process.kill(process.pid, signal)
    })
  }

  for (const name of signals) process.on(name, onSignal)
  return stop
}

/**
 * Listeners of signal-exit, which many packages bring along: it handles nothing while anybody else listens, so that
 * each would wait for the other.
 */
function bystanders (): number {
  const emitters = [
    Reflect.get(globalThis, Symbol.for('signal-exit emitter')), Reflect.get(process, '__signal_exit_emitter__')
  ]
  return emitters.reduce((sum, emitter) => sum + (Number(emitter?.count) || 0), 0)
}

async function waitForRuns (recorder: Pick<Recorder, 'running'>): Promise<void> {
  const deadline = performance.now() + GRACE_MS
  while (recorder.running.size > 0 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
