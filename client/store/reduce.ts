import type { Gap, StreamFrame, TaskInfo, TimelineEvent } from '../../lib/model/events.js'
import { pageFrames } from '../page-frames.js'
import { Draft } from './draft.js'
import { isFolded } from './folding.js'
import { joinInvocations } from './invocations.js'
import { indexOfSeq, type Row, type ToolRow } from './rows.js'
import { MAX_ROWS, createState, type Expansion, type Filter, type TimelineState } from './state.js'

/** A page of events, as the timeline's route answers. */
export interface PageOfEvents {
  readonly task: TaskInfo
  readonly timeline: readonly TimelineEvent[]
  readonly page: { readonly hasMore: boolean, readonly gaps: readonly Gap[] }
}

export type Action =
  /** The newest page replaces everything. */
  | { readonly type: 'newest', readonly page: PageOfEvents }
  /** The page before the first event that is loaded. */
  | { readonly type: 'older', readonly page: PageOfEvents }
  /** A page from elsewhere in the log, to be read at leisure: what is newer is not here. */
  | { readonly type: 'elsewhere', readonly page: PageOfEvents }
  /** A row is to be seen, whatever hides it. */
  | { readonly type: 'uncover', readonly seq: number }
  /**
   * What a stream brought, in its order. `isPinned`: a person reads, the rows on the screen must stay; `nowMs`: the
   * server's time.
   */
  | { readonly type: 'frames', readonly frames: readonly StreamFrame[], readonly isPinned?: boolean, readonly nowMs?: number }
  | { readonly type: 'toggle-invocation', readonly id: number }
  /** Opens or closes the rows that stand behind "N similar". */
  | { readonly type: 'toggle-run', readonly run: number }
  | { readonly type: 'filter', readonly filter: Filter }
  | { readonly type: 'expand', readonly seq: number, readonly to: Expansion }

/** The state after an action. The state before is not changed; what did not change is shared. */
export function reduce (state: TimelineState, action: Action): TimelineState {
  switch (action.type) {
    case 'newest': return {
      ...takePage(action.page, state.task.id),
      layout: state.layout + 1,
      collapsed: state.collapsed,
      filter: state.filter
    }
    case 'older': return prepend(state, action.page)
    case 'elsewhere': return goElsewhere(state, action.page)
    case 'uncover': return uncover(state, action.seq)
    case 'frames': {
      const draft = new Draft(state, action.nowMs)
      for (const frame of action.frames) draft.take(frame)
      draft.limit(action.isPinned === true)
      return draft.next
    }
    case 'toggle-invocation': return { ...state, collapsed: toggle(state.collapsed, action.id), layout: state.layout + 1 }
    case 'toggle-run': return { ...state, openRuns: toggle(state.openRuns, action.run), layout: state.layout + 1 }
    case 'filter': return { ...state, filter: action.filter, layout: state.layout + 1 }
    case 'expand': return { ...state, expanded: new Map(state.expanded).set(action.seq, action.to) }
  }
}

/** Whether a row takes no room: it is folded away, its group is closed, or another row shows the same call. */
export function isHidden (state: TimelineState, row: Row): boolean {
  if (row.kind === 'tool' && row.isSuperseded === true) return true
  if (isFiltered(state.filter, row)) return true
  if (isFolded(row, state.openRuns)) return true
  return 'invocationId' in row && row.kind !== 'start' && state.collapsed.has(row.invocationId)
}

/** Beats say that something lives, and the row of the call says so too; a session's id is for machines. */
const MURMUR: readonly unknown[] = ['tool', 'usage', 'session']

/** Whether progress of a kind is what only "Everything" shows. */
export function isMurmur (kind: unknown): boolean {
  return MURMUR.includes(kind)
}

function isFiltered (filter: Filter, row: Row): boolean {
  switch (filter) {
    case 'all': return false
    case 'story': return row.kind === 'progress' && isMurmur(row.progressKind)
    case 'steps': return row.kind !== 'tool' && row.kind !== 'start'
    case 'edits': return row.kind !== 'start' && !(row.kind === 'tool' && row.toolKind === 'edit')
    case 'failed': return row.kind !== 'start' && row.kind !== 'end' && row.kind !== 'error' &&
      !(row.kind === 'tool' && (row.status === 'error' || row.status === 'denied'))
  }
}

function takePage ({ task, timeline, page }: PageOfEvents, taskId: string): TimelineState {
  const draft = new Draft(createState(taskId))
  for (const frame of pageFrames(timeline, page.gaps, taskId)) draft.take(frame)
  draft.limit(false)
  // The page's own word about the task is newer than its events.
  return { ...draft.next, isLoaded: true, task, hasOlder: page.hasMore }
}

function prepend (state: TimelineState, page: PageOfEvents): TimelineState {
  const limit = state.firstSeq === 0 ? Infinity : state.firstSeq
  const older = takePage({ ...page, timeline: page.timeline.filter(({ seq }) => seq < limit) }, state.task.id)
  const rows = [...older.rows, ...state.rows]
  const headless = new Map(state.headless)
  const openCalls = new Map(state.openCalls)
  for (const [key, seq] of older.openCalls) {
    const index = indexOfSeq(rows, seq)
    const start = rows[index] as ToolRow
    const endIndex = indexOfSeq(rows, headless.get(key))
    if (endIndex === -1) {
      // Its end may have left the list before; only a running invocation can still bring one.
      if (state.runsById.get(start.invocationId)?.status !== 'running') rows[index] = { ...start, status: 'noted' }
      else openCalls.set(key, seq)
      continue
    }
    const end = rows[endIndex] as ToolRow
    const { status, tookMs, exitCode, result, files } = end
    rows[index] = { ...start, status, tookMs, exitCode, result, files }
    rows[endIndex] = { ...end, isSuperseded: true }
    headless.delete(key)
  }
  for (const [key, seq] of older.headless) headless.set(key, seq)
  const runsById = new Map([...older.runsById, ...state.runsById])
  for (const [id, known] of older.runsById) runsById.set(id, joinInvocations(known, state.runsById.get(id)))
  const excess = rows.length - MAX_ROWS
  if (excess > 0) rows.length = MAX_ROWS
  return {
    ...state,
    rows,
    headless,
    openCalls,
    runsById,
    isDetached: state.isDetached || excess > 0,
    hasOlder: page.page.hasMore && page.timeline.length > 0,
    firstSeq: older.firstSeq || state.firstSeq,
    toolCalls: state.toolCalls + older.toolCalls,
    errors: state.errors + older.errors,
    layout: state.layout + 1
  }
}

function goElsewhere (state: TimelineState, page: PageOfEvents): TimelineState {
  const { rows, firstSeq, runsById, headless } = takePage(page, state.task.id)
  return {
    ...state,
    rows,
    firstSeq,
    headless,
    runsById: new Map([...runsById, ...state.runsById]),
    hasOlder: firstSeq > 1,
    isDetached: true,
    layout: state.layout + 1
  }
}

function uncover (state: TimelineState, seq: number): TimelineState {
  const row = state.rows[indexOfSeq(state.rows, seq)]
  if (row === undefined || !isHidden(state, row)) return state
  const filter = isFiltered(state.filter, row) ? isFiltered('story', row) ? 'all' : 'story' : state.filter
  const collapsed = new Set(state.collapsed)
  if ('invocationId' in row) collapsed.delete(row.invocationId)
  const run = 'run' in row ? row.run : undefined
  const openRuns = run === undefined ? state.openRuns : new Set([...state.openRuns, run])
  return { ...state, collapsed, openRuns, filter, layout: state.layout + 1 }
}

function toggle<T> (set: ReadonlySet<T>, value: T): Set<T> {
  const changed = new Set(set)
  if (!changed.delete(value)) changed.add(value)
  return changed
}
