import { randomUUID } from 'node:crypto'
import type { Logger } from '../logger.js'
import type { Notice } from '../model/notice.js'
import type { LeaseName, NoticeChannel, NoticeStore, StoredNotice } from '../store/notices.js'
import type { LogReader } from '../store/port.js'
import { toIso, type Clock } from '../time/clock.js'
import { clearTimeout, setTimeout } from '../time/timers.js'
import type { HealthMonitor } from './health-monitor.js'
import { createNoticeMaker, NOTICED_FOR_MS, type IdleTask, type JudgedRun } from './notice-maker.js'
import { postNotice, WEBHOOK_TIMEOUT_MS, type WebhookOptions } from './webhook.js'

export interface NoticesOptions {
  readonly onNotice?: ((notice: Notice) => void) | undefined
  readonly webhook?: WebhookOptions | undefined
  /** The address of the pages. */
  readonly publicUrl?: string | undefined
  /** The name of the database, where there are several. */
  readonly project?: string | undefined
  readonly store: NoticeStore
  readonly reader: Pick<LogReader, 'getTask'>
  readonly health: Pick<HealthMonitor, 'watchAll'>
  /** The tasks on which something should run and nothing does. */
  readonly idleTasks: () => Promise<readonly IdleTask[]>
  readonly logger: Logger
  readonly now: Clock
  /** Between two rounds, in milliseconds. Default 1,000. */
  readonly intervalMs?: number
}

/** A process that is gone is followed by another one after so long; milliseconds. */
const LEASE_MS = 30_000
const RENEW_MS = 5_000
const IDLE_MS = 15_000
const PRUNE_MS = 3_600_000
const KEPT_MS = 7 * 24 * 3_600_000
const AT_ONCE = 500
/** How many tasks' notices are under way to the receiver. */
const MAX_POSTS = 4
const FIRST_RETRY_MS = 1_000
const LAST_RETRY_MS = 5 * 60_000

/**
 * Makes notices and tells them: by the host's callback, by a webhook. Of several processes on one database one at a
 * time does each, by a lease; nothing of it is on the way of what is recorded.
 *
 * @returns how to stop
 */
export function startNotices (options: NoticesOptions): () => Promise<void> {
  const { onNotice, webhook, store, health, logger, now, intervalMs = 1_000 } = options
  const holder = randomUUID()
  const maker = createNoticeMaker({ ...options, holder })
  const names: LeaseName[] = ['notices', ...(onNotice ? ['callback' as const] : []), ...(webhook ? ['webhook' as const] : [])]
  const held = new Map<LeaseName, number>()
  /** Of tasks whose receiver did not take the last one. */
  const retries = new Map<string, { readonly at: number, readonly waitMs: number }>()
  const posting = new Set<string>()
  /** Ids of those that the callback was told, while that cannot be stored. */
  const called = new Set<string>()
  const ending = new AbortController()
  let runs: readonly JudgedRun[] | undefined
  let stopWatching: (() => void) | undefined
  const last = { renew: -Infinity, idle: -Infinity, prune: -Infinity }
  let timer: NodeJS.Timeout | undefined
  let round: Promise<void> = Promise.resolve()
  const posts = new Set<Promise<void>>()
  let isTroubled = false

  function isDue (what: keyof typeof last, everyMs: number): boolean {
    if (Math.abs(now() - last[what]) < everyMs) return false
    last[what] = now()
    return true
  }

  async function renew (): Promise<void> {
    for (const name of names) {
      const until = now() + LEASE_MS
      const hadIt = held.has(name)
      if (await store.hold(name, holder, now(), until)) held.set(name, until)
      else held.delete(name)
      if (name !== 'notices' || held.has(name) === hadIt) continue
      stopWatching?.()
      stopWatching = runs = undefined
      if (!held.has(name)) continue
      await maker.begin()
      stopWatching = health.watchAll((judged) => { runs = judged })
    }
  }

  async function look (): Promise<void> {
    if (isDue('renew', RENEW_MS)) await renew()
    if (held.has('notices') && runs !== undefined) {
      const judged = runs
      runs = undefined
      await maker.look(judged, isDue('idle', IDLE_MS) ? await options.idleTasks() : undefined)
      if (isDue('prune', PRUNE_MS)) await store.prune(toIso(now() - KEPT_MS))
    }
    if (held.has('callback')) await callBack()
    if (held.has('webhook')) await post()
    isTroubled = false
  }

  function waiting (channel: NoticeChannel): Promise<readonly StoredNotice[]> {
    return store.waiting(channel, toIso(now() - NOTICED_FOR_MS), AT_ONCE)
  }

  async function callBack (): Promise<void> {
    for (const stored of await waiting('callback')) {
      // Whoever has taken over tells it.
      if (ending.signal.aborted || (held.get('callback') ?? 0) <= now()) return
      if (!called.has(stored.noticeId)) {
        called.add(stored.noticeId)
        call(stored)
      }
      await store.done('callback', stored.id, toIso(now()))
      called.delete(stored.noticeId)
    }
  }

  function call (stored: StoredNotice): void {
    try {
      // Whoever does not come back keeps no other notice waiting.
      Promise.resolve(onNotice?.(toNotice(stored, options)) as unknown).catch(failed)
    } catch (err) {
      failed(err)
    }
  }

  function failed (err: unknown): void {
    logger.warn({ err }, 'onNotice has failed')
  }

  /** In the order of each task: one that was not taken is tried again before the next of its task. */
  async function post (): Promise<void> {
    const stuckTasks = new Set<string>()
    for (const stored of await waiting('webhook')) {
      const { taskId, kind, id } = stored
      if (webhook?.events?.includes(kind) === false) {
        await store.done('webhook', id, toIso(now()))
        continue
      }
      const isEarly = (retries.get(taskId)?.at ?? -Infinity) > now()
      if (stuckTasks.has(taskId) || posting.has(taskId) || isEarly) {
        stuckTasks.add(taskId)
        continue
      }
      if (posting.size >= MAX_POSTS) break
      stuckTasks.add(taskId)
      posting.add(taskId)
      const posted = deliver(stored).catch(troubled).finally(() => {
        posting.delete(taskId)
        posts.delete(posted)
      })
      posts.add(posted)
    }
  }

  async function deliver (stored: StoredNotice): Promise<void> {
    const { taskId, noticeId } = stored
    // Whoever takes over must not find it under way.
    if ((held.get('webhook') ?? 0) - now() < WEBHOOK_TIMEOUT_MS || webhook === undefined) return
    const problem = await postNotice(webhook, toNotice(stored, options), sourceOf(options), now(), ending.signal)
    if (ending.signal.aborted) return
    if (problem === undefined) {
      retries.delete(taskId)
      await store.done('webhook', stored.id, toIso(now()))
      plan(0)
      return
    }
    const waitMs = Math.min(LAST_RETRY_MS, 2 * (retries.get(taskId)?.waitMs ?? FIRST_RETRY_MS / 2))
    if (!retries.has(taskId)) {
      logger.warn({ problem, noticeId, waitMs }, 'the webhook did not take a notice; it is sent again')
    }
    retries.set(taskId, { at: now() + waitMs * (0.75 + Math.random() / 4), waitMs })
  }

  function troubled (err: unknown): void {
    if (isTroubled || ending.signal.aborted) return
    isTroubled = true
    logger.warn({ err }, 'notices cannot be made or told at the moment')
  }

  function plan (ms: number): void {
    if (ending.signal.aborted) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      round = round.then(look).catch(troubled).finally(() => { plan(intervalMs) })
    }, ms).unref()
  }

  plan(0)
  return async () => {
    ending.abort()
    clearTimeout(timer)
    stopWatching?.()
    await round
    await Promise.all(posts)
    await store.release(holder).catch(() => {})
  }
}

type Origin = Pick<NoticesOptions, 'publicUrl' | 'project'>

function sourceOf ({ publicUrl, project }: Origin): string {
  if (publicUrl !== undefined) return publicUrl + queryOf(project)
  return `urn:fastify-agent-timeline${project === undefined ? '' : `:${encodeURIComponent(project)}`}`
}

function queryOf (project: string | undefined): string {
  return project === undefined ? '' : `?project=${encodeURIComponent(project)}`
}

function toNotice (
  { noticeId, kind, taskId, invocationId, data }: StoredNotice, { publicUrl, project }: Origin
): Notice {
  const { at, ...rest } = JSON.parse(data) as { readonly at: string }
  return {
    id: noticeId,
    kind,
    at,
    ...(project === undefined ? {} : { project }),
    taskId,
    ...(invocationId === undefined ? {} : { invocationId }),
    ...rest,
    ...(publicUrl === undefined
      ? {}
      : { url: `${publicUrl.replace(/\/$/, '')}/tasks/${encodeURIComponent(taskId)}${queryOf(project)}` })
  }
}
