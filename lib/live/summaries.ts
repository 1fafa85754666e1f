import type { TaskSummary } from '../model/answers.js'
import type { AnswerReader } from '../store/answers.js'
import type { LogReader, WakeBus } from '../store/port.js'
import type { Clock } from '../time/clock.js'
import { clearTimeout, performance, setTimeout } from '../time/timers.js'
import { encodeData } from './frames.js'
import type { HealthMonitor } from './health-monitor.js'
import type { Hub, TailWatch } from './hub.js'
import { summarise } from './summarise.js'

export interface SummariesOptions {
  readonly reader: LogReader
  readonly answers: AnswerReader
  readonly health: Pick<HealthMonitor, 'watch'>
  readonly bus: Pick<WakeBus, 'subscribe'>
  /** Sees also what no hint tells of. */
  readonly hub: Pick<Hub, 'watch'>
  readonly now: Clock
  /** Between two looks at a task, in milliseconds. Default 1,000. */
  readonly intervalMs?: number
}

/** What is known of tasks, kept up to date while somebody watches; one look at a task serves all of its viewers. */
export interface Summaries {
  /** @throws AGENT_TIMELINE_UNKNOWN_TASK */
  of (taskId: string): Promise<TaskSummary>
  /**
   * @param told what the viewer was given
   * @param onChange given an encoded frame, and what is in it, at most once a second, when something but the clock has
   * changed
   */
  watch (told: TaskSummary, onChange: OnSummary): () => void
  close (): void
}

type OnSummary = (frame: string, summary: TaskSummary) => void

interface Watched {
  readonly viewers: Set<OnSummary>
  /** What the viewers were given last, without what only the clock changes. */
  key: string
  lookedAt: number
  timer: ReturnType<typeof setTimeout> | undefined
  isLooking: boolean
  /** Something has happened since the last look began, or that look failed. */
  isDirty: boolean
  /** How far the log went when it was noticed last. */
  headSeq: number
  tail: TailWatch | undefined
  readonly stopHealth: () => void
}

export function createSummaries (options: SummariesOptions): Summaries {
  const { reader, answers, health, bus, hub, now, intervalMs = 1_000 } = options
  const watched = new Map<string, Watched>()
  /** Of the last looks: many viewers come at once after a restart. */
  const recent = new Map<string, { readonly at: number, readonly summary: Promise<TaskSummary> }>()
  let stopBus: (() => void) | undefined

  function of (taskId: string): Promise<TaskSummary> {
    const at = performance.now()
    for (const [id, look] of recent) if (at - look.at > intervalMs) recent.delete(id)
    let look = recent.get(taskId)
    if (look === undefined) {
      look = { at, summary: summarise(reader, answers, taskId, now) }
      look.summary.catch(() => recent.delete(taskId))
      recent.set(taskId, look)
    }
    return look.summary
  }

  function schedule (taskId: string): void {
    const task = watched.get(taskId)
    if (task === undefined) return
    task.isDirty = true
    plan(taskId, task)
  }

  function plan (taskId: string, task: Watched): void {
    if (!task.isDirty || task.timer !== undefined || task.isLooking || watched.get(taskId) !== task) return
    const wait = Math.max(0, task.lookedAt + intervalMs - performance.now())
    task.timer = setTimeout(() => { void look(taskId, task) }, wait)
    task.timer.unref()
  }

  async function look (taskId: string, task: Watched): Promise<void> {
    task.timer = undefined
    task.isLooking = true
    task.isDirty = false
    task.lookedAt = performance.now()
    try {
      recent.delete(taskId)
      const summary = await of(taskId)
      const key = keyOf(summary)
      if (key === task.key) return
      task.key = key
      const frame = encodeData({ type: 'timeline.summary', taskId, summary })
      for (const onChange of task.viewers) onChange(frame, summary)
    } catch {
      // The stream says what is wrong with the database.
      task.isDirty = true
    } finally {
      task.isLooking = false
      plan(taskId, task)
    }
  }

  /** Hints may be lost, of the end of a run too: what has moved the log is looked at whoever tells of it. */
  function followTail (taskId: string, task: Watched): void {
    task.tail = hub.watch(taskId, {
      onAdvance () {
        const headSeq = task.tail?.headSeq() ?? 0
        if (headSeq === task.headSeq) return
        task.headSeq = headSeq
        schedule(taskId)
      },
      onEnd (reason) {
        if (reason !== 'closed' && watched.get(taskId) === task) followTail(taskId, task)
      }
    })
  }

  return {
    of,

    watch (told, onChange) {
      const taskId = told.task.id
      stopBus ??= bus.subscribe((taskIds) => {
        for (const id of taskIds === '*' ? watched.keys() : taskIds) schedule(id)
      })
      let task = watched.get(taskId)
      if (task === undefined) {
        const verdicts = health.watch(taskId, [], () => {
          verdicts.take()
          schedule(taskId)
        })
        task = {
          viewers: new Set(),
          key: keyOf(told),
          lookedAt: performance.now(),
          timer: undefined,
          isLooking: false,
          isDirty: false,
          headSeq: told.headSeq,
          tail: undefined,
          stopHealth: () => verdicts.close()
        }
        watched.set(taskId, task)
        followTail(taskId, task)
      }
      task.viewers.add(onChange)
      // Something may have happened between the answer and this.
      schedule(taskId)
      return () => {
        task.viewers.delete(onChange)
        if (task.viewers.size > 0 || watched.get(taskId) !== task) return
        forget(taskId, task)
        if (watched.size > 0) return
        stopBus?.()
        stopBus = undefined
      }
    },

    close () {
      for (const [taskId, task] of watched) forget(taskId, task)
      stopBus?.()
      stopBus = undefined
    }
  }

  function forget (taskId: string, task: Watched): void {
    watched.delete(taskId)
    clearTimeout(task.timer)
    task.tail?.close()
    task.stopHealth()
  }
}

/** All but what only the clock, or the mere length of the log, changes. */
function keyOf ({ elapsedMs, time, headSeq, lastActivityAt, health, ...rest }: TaskSummary): string {
  const verdict = health && {
    id: health.invocationId, state: health.state, tool: health.tool?.message, waits: health.waitingFor
  }
  return JSON.stringify({ ...rest, verdict })
}
