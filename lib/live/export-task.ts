import { timelineError } from '../errors.js'
import { findGaps } from '../model/gaps.js'
import type { Gap, TimelineEvent } from '../model/events.js'
import type { AnswerReader } from '../store/answers.js'
import { MAX_LIST_LIMIT } from '../store/limits.js'
import type { LogReader } from '../store/port.js'
import { systemClock } from '../time/clock.js'
import { nextTurn } from '../time/timers.js'
import { ExportPage } from '../view/export-page.js'
import { toJsonLine } from '../view/json-line.js'
import { summarise } from './summarise.js'

export const EXPORT_FORMATS = ['html', 'ndjson'] as const
export type ExportFormat = typeof EXPORT_FORMATS[number]

/** Events of one read: with all of their texts as long as they may be a megabyte or two. */
const EVENTS_A_READ = 20

/**
 * A task as a file: a page for people, or an event in each line. Up to the last event that there is when it begins; in
 * pieces of bounded length, however long the log.
 *
 * @throws AGENT_TIMELINE_UNKNOWN_TASK with the first piece
 */
export async function * exportTask (
  reader: LogReader, answers: AnswerReader, taskId: string, format: ExportFormat
): AsyncGenerator<string, void, undefined> {
  const summary = await summarise(reader, answers, taskId, systemClock)
  const { lastSeq, floorSeq, epoch } = (await reader.heads([taskId])).get(taskId) ?? { lastSeq: 0, floorSeq: 0, epoch: '' }
  const { invocations } = await reader.listInvocations({ taskId, limit: MAX_LIST_LIMIT })
  const page = format === 'html' ? new ExportPage(invocations) : undefined
  if (page !== undefined) yield page.head(summary, systemClock())
  for (let after = 0; after < lastSeq; await nextTurn()) {
    const read = await reader.readAfter(taskId, after, EVENTS_A_READ)
    // Deleted meanwhile, or another log in its place.
    if (read.epoch !== epoch) throw timelineError('AGENT_TIMELINE_UNKNOWN_TASK')
    const events = read.filter(({ seq }) => seq <= lastSeq)
    const isLast = read.length < EVENTS_A_READ || events.length < read.length
    const to = isLast ? lastSeq : events.at(-1)?.seq ?? lastSeq
    const piece = page === undefined
      ? events.map((event) => `${toJsonLine(event)}\n`).join('')
      : rowsOf(page, events, findGaps(events.map(({ seq }) => seq), after + 1, to, floorSeq))
    if (piece !== '') yield piece
    after = to
  }
  if (page !== undefined) yield page.foot()
}

/** With what is missing in its place. */
function rowsOf (page: ExportPage, events: readonly TimelineEvent[], gaps: readonly Gap[]): string {
  const rows = [
    ...events.map((event) => [event.seq, page.row(event)] as const),
    ...gaps.map((gap) => [gap.fromSeq, page.gap(gap)] as const)
  ]
  return rows.sort(([a], [b]) => a - b).map(([, row]) => row).join('')
}

/** A name for the file that no file system and no header trips over. */
export function exportFileName (taskId: string, format: ExportFormat): string {
  const name = taskId.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[.-]+|[.-]+$/g, '').slice(0, 100)
  return `task-${name === '' ? 'log' : name}.${format}`
}
