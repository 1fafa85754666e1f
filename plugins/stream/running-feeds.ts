import type { RunningLook, TaskRun } from '../../lib/store/port.js'
import type { Cursor } from '../../lib/model/cursor.js'
import { Turns } from '../../lib/live/turns.js'
import { findTask } from './listed-tasks.js'
import type { Opening, OpeningContext } from './opening.js'
import { TaskFeed } from './task-feed.js'
import { MAX_TASKS } from './task-positions.js'
import { performance, sleep as pause } from '../../lib/time/timers.js'

/**
 * A stream over the tasks in which something runs: the newest of now, others as their runs begin, each until none of
 * its runs is left.
 *
 * A task that joins later is told from where its run began, so that nothing of the run is missed.
 */
export async function openRunning (context: OpeningContext): Promise<Opening> {
  const feeds = new RunningFeeds(context)
  try {
    return await feeds.open()
  } catch (err) {
    feeds.close()
    throw err
  }
}

const FAULT_PAUSE_MS = 250

class RunningFeeds {
  readonly #context: OpeningContext
  readonly #turns = new Turns()
  readonly #feeds = new Map<string, TaskFeed>()
  /** How far tasks had been told when they left: a look that comes later may find a run that began before. */
  readonly #left = new Map<string, { readonly position: Required<Cursor>, readonly atMs: number }>()
  /** Tasks that are unknown, with the run because of which they were looked up. */
  readonly #unknown = new Map<string, number>()
  #looks: Array<{ readonly look: RunningLook, readonly beganAtMs: number }> = []
  /** The last invocation that was looked at. */
  #since = 0
  #stopLooking = (): void => {}
  #isFollowing = false
  #isWorking = false
  #isClosed = false

  constructor (context: OpeningContext) {
    this.#context = context
  }

  async open (): Promise<Opening> {
    const { core } = this.#context
    const { look: { running, lastInvocationId }, stop } = await core.running.listen((look, beganAtMs) => {
      this.#looks.push({ look, beganAtMs })
      void this.#work()
    })
    this.#stopLooking = stop
    this.#since = lastInvocationId
    const begin: Array<() => void> = []
    let frames = ''
    for (const { taskId } of running.slice(0, MAX_TASKS)) {
      const task = await findTask(core, taskId)
      if (task === undefined) continue
      const feed = this.#add(taskId)
      frames += TaskFeed.frames(task, undefined)
      begin.push(() => feed.follow(task, undefined))
    }
    return {
      frames,
      follow: () => {
        for (const follow of begin) follow()
        this.#isFollowing = true
        void this.#work()
      },
      stop: () => this.close()
    }
  }

  close (): void {
    this.#isClosed = true
    this.#stopLooking()
    for (const feed of this.#feeds.values()) feed.close()
    this.#feeds.clear()
  }

  #add (taskId: string): TaskFeed {
    const feed = new TaskFeed({
      ...this.#context,
      taskId,
      turns: this.#turns,
      onEnd: (reason) => {
        this.#feeds.delete(taskId)
        if (reason === 'idle') this.#left.set(taskId, { position: feed.position, atMs: performance.now() })
      }
    })
    this.#feeds.set(taskId, feed)
    return feed
  }

  /** Takes in one look after another; one that failed again, since whatever it has told is not told twice. */
  async #work (): Promise<void> {
    if (!this.#isFollowing || this.#isWorking) return
    this.#isWorking = true
    for (let next = this.#looks[0]; next !== undefined && !this.#isClosed; next = this.#looks[0]) {
      try {
        await this.#take(next.look)
        this.#since = Math.max(this.#since, next.look.lastInvocationId)
        for (const [taskId, { atMs }] of this.#left) if (atMs < next.beganAtMs) this.#left.delete(taskId)
        this.#looks.shift()
      } catch {
        // The hub reports it.
        await pause(FAULT_PAUSE_MS, undefined, { ref: false })
      }
    }
    this.#isWorking = false
  }

  async #take ({ begun, running }: RunningLook): Promise<void> {
    const isRunning = new Set(running.map(({ taskId }) => taskId))
    for (const run of begun) if (run.invocationId > this.#since) await this.#join(run, isRunning.has(run.taskId))
    for (const run of running) await this.#join(run, true)
    const idle: TaskFeed[] = []
    for (const feed of this.#feeds.values()) {
      if (!isRunning.has(feed.taskId) && !feed.isEnding) idle.push(feed)
    }
    if (idle.length === 0 || this.#isClosed) return
    // Read after the look, they cover the ends of the runs.
    const heads = await this.#context.core.reader.heads(idle.map(({ taskId }) => taskId))
    for (const feed of idle) feed.endAfter(heads.get(feed.taskId)?.lastSeq ?? 0)
  }

  async #join ({ taskId, invocationId }: TaskRun, isRunning: boolean): Promise<void> {
    const feed = this.#feeds.get(taskId)
    // Where it was to end is before this run.
    if (feed !== undefined) return feed.endAfter(undefined)
    if (this.#isClosed || this.#feeds.size >= MAX_TASKS) return
    if ((this.#unknown.get(taskId) ?? 0) >= invocationId) return
    const { core, stream } = this.#context
    const task = await findTask(core, taskId)
    if (task === undefined) {
      this.#unknown.set(taskId, invocationId)
      return
    }
    const firstSeq = await core.reader.firstSeqOf(invocationId)
    if (this.#isClosed) return
    const before = firstSeq === undefined ? task.headSeq : firstSeq - 1
    const left = this.#left.get(taskId)?.position
    const told = left?.epoch === task.epoch ? left.seq : 0
    if (!isRunning && told >= task.headSeq) return
    const seq = Math.max(told, before)
    const cursor = task.epoch === '' ? { seq } : { seq, epoch: task.epoch }
    stream.writeJoined(TaskFeed.frames(task, cursor))
    this.#add(taskId).follow(task, cursor)
  }
}
