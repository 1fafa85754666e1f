import { randomUUID } from 'node:crypto'
import type { Health } from '../model/events.js'
import type { Notice, NoticeKind } from '../model/notice.js'
import type { EndedRun, NewNotice, NoticeStore } from '../store/notices.js'
import type { LogReader } from '../store/port.js'
import { parseObject } from '../text/parse-object.js'
import { toIso, type Clock } from '../time/clock.js'

/** A running invocation, as it was judged last. */
export interface JudgedRun {
  readonly id: number
  readonly taskId: string
  readonly health: Health
}

/** A task on which something should run, since when nothing does. */
export interface IdleTask {
  readonly id: string
  readonly since?: string | undefined
}

export interface NoticeMakerOptions {
  readonly store: Pick<NoticeStore, 'latest' | 'ends' | 'add'>
  readonly reader: Pick<LogReader, 'getTask'>
  readonly holder: string
  readonly now: Clock
}

/** What has not ended yet is remembered so long, in milliseconds: older ends are history. */
export const NOTICED_FOR_MS = 24 * 3_600_000

/** Makes a notice of each change, once: what it knows of the last ones is in the database. */
export interface NoticeMaker {
  /** Reads what was noticed before, by whoever made notices until now. */
  begin (): Promise<void>
  /** @param idle undefined where it was not looked for */
  look (runs: readonly JudgedRun[], idle: readonly IdleTask[] | undefined): Promise<void>
}

type Condition = 'stuck' | 'looping' | 'waiting' | 'none'

export function createNoticeMaker ({ store, reader, holder, now }: NoticeMakerOptions): NoticeMaker {
  /** Of runs: what they were noticed for, and are still. */
  let conditions = new Map<number, Condition>()
  let idleTasks = new Set<string>()

  async function toNew (
    kind: NoticeKind, taskId: string, invocationId: number | undefined, rest: Partial<Notice>
  ): Promise<NewNotice> {
    const title = (await reader.getTask(taskId).catch(() => undefined))?.title
    const data = { at: toIso(now()), ...(title === undefined ? {} : { title }), ...rest }
    return { noticeId: randomUUID(), taskId, invocationId, kind, data: JSON.stringify(data) }
  }

  return {
    async begin () {
      const latest = await store.latest()
      conditions = new Map(latest.flatMap(({ invocationId, kind }) =>
        invocationId !== undefined && isCondition(kind) ? [[invocationId, kind]] : []))
      idleTasks = new Set(latest.flatMap(({ invocationId, taskId, kind }) =>
        invocationId === undefined && kind === 'not_running' ? [taskId] : []))
    },

    async look (runs, idle) {
      const made: NewNotice[] = []
      const after = new Map<number, Condition>()
      for (const { id, taskId, health } of runs) {
        const before = conditions.get(id) ?? 'none'
        const condition = conditionOf(health) ?? before
        if (condition !== 'none') after.set(id, condition)
        if (condition === before) continue
        const kind = condition === 'none' ? 'recovered' : condition
        made.push(await toNew(kind, taskId, id, { health: shorten(health) }))
      }
      const ends = await store.ends(toIso(now() - NOTICED_FOR_MS))
      for (const end of ends) made.push(await toNew(...describeEnd(end)))
      const idleAfter = idle === undefined ? idleTasks : new Set(idle.map(({ id }) => id))
      for (const { id, since } of idle ?? []) {
        if (!idleTasks.has(id)) made.push(await toNew('not_running', id, undefined, since === undefined ? {} : { since }))
      }
      for (const id of idleTasks) if (!idleAfter.has(id)) made.push(await toNew('recovered', id, undefined, {}))
      if (made.length > 0 && !(await store.add(holder, made, toIso(now()), ends.at(-1)?.eventId))) return
      // Only what is stored has been noticed.
      conditions = after
      idleTasks = idleAfter
    }
  }
}

function isCondition (kind: NoticeKind): kind is 'stuck' | 'looping' | 'waiting' {
  return kind === 'stuck' || kind === 'looping' || kind === 'waiting'
}

/** Undefined where nothing is known: that is no change. */
function conditionOf ({ state, waitingFor }: Health): Condition | undefined {
  if (state === 'stuck' || state === 'looping') return state
  if (state === 'unknown' || state === 'lost') return undefined
  return state === 'waiting' && waitingFor?.kind === 'person' ? 'waiting' : 'none'
}

function shorten ({ state, since, because, tool, waitingFor, loop }: Health): NonNullable<Notice['health']> {
  return {
    state, since, because, ...(tool && { tool }), ...(waitingFor && { waitingFor }), ...(loop && { loop })
  }
}

function describeEnd (
  { taskId, invocationId, status, payload }: EndedRun
): readonly [NoticeKind, string, number, Partial<Notice>] {
  const { duration, error, reason, outcome, summary } = (payload === null ? undefined : parseObject(payload)) ?? {}
  const told = Object.fromEntries(Object.entries({ durationMs: duration, error, reason, outcome, summary })
    .filter(([, value]) => value !== undefined && value !== null && value !== ''))
  return [reason === 'lost' ? 'lost' : 'ended', taskId, invocationId, { status, ...told }]
}
