import { TASK_STATES, type TaskList, type TaskRow } from '../model/answers.js'
import { formatDuration, toPlainLine } from '../text/plain-text.js'
import { formatUsd } from '../model/format-usd.js'
import { STATE_NAMES } from './task-answer.js'

const MAX_LINE = 400
/** Longer ids push their line to the right. */
const ID_WIDTH = 24

/** The tasks as lines of text, under their states, worst first; the last line counts them. */
export function formatTasks ({ tasks, counts, page }: TaskList): string[] {
  const width = Math.min(ID_WIDTH, Math.max(0, ...tasks.map(({ id }) => id.length)))
  const lines = TASK_STATES.flatMap((state) => {
    const some = tasks.filter((task) => task.state === state)
    return some.length === 0 ? [] : [STATE_NAMES[state], ...some.map((task) => formatRow(task, width)), '']
  })
  const states = TASK_STATES.flatMap((state) => counts[state] > 0 ? [`${counts[state]} ${STATE_NAMES[state].toLowerCase()}`] : [])
  const total = TASK_STATES.reduce((sum, state) => sum + counts[state], 0)
  return [
    ...lines,
    total === 0 ? 'No task.' : `${total} task${total === 1 ? '' : 's'}: ${states.join(', ')}`,
    ...(page.nextCursor === null ? [] : [`There are more: --cursor ${page.nextCursor}`])
  ]
}

function formatRow ({ id, title, who, elapsedMs, usage, now, failure, runs }: TaskRow, width: number): string {
  const [last] = who
  const facts = [
    ...(last === undefined ? [] : [`${last.role} (${last.provider}${last.model === undefined ? '' : `, ${last.model}`})`]),
    ...(runs === 1 ? [] : [`${runs} runs`]),
    formatDuration(elapsedMs),
    ...(usage.costUsd === undefined ? [] : [formatUsd(usage.costUsd)]),
    ...(now === undefined ? [] : [`${now.text} (${formatDuration(now.elapsedMs)})`]),
    ...(failure === undefined ? [] : [failure.summary])
  ]
  const name = title === undefined || title === id ? '' : `  ${toPlainLine(title, 60)}`
  return `  ${toPlainLine(id, 256).padEnd(width)}${name}  ${toPlainLine(facts.join(' · '), MAX_LINE)}`
}
