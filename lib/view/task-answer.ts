import { formatUsd } from '../model/format-usd.js'
import { FAILURE_CATALOGUE } from '../insight/failure-catalogue.js'
import type { TaskState, TaskSummary, UsageSum } from '../model/answers.js'
import type { InvocationSummary } from '../model/events.js'
import { formatDuration, toPlainLine } from '../text/plain-text.js'
import { nameOf } from './event-lines.js'

/** Sentences are longer than other lines, in characters. */
const MAX_SENTENCES = 600
/** Of plan, files and runs, so many are listed. */
const MAX_LISTED = 20

/** How a person calls the states. */
export const STATE_NAMES: Readonly<Record<TaskState, string>> = {
  needs_you: 'Needs you',
  stuck: 'Probably stuck',
  not_running: 'Not running',
  quiet: 'Quiet',
  unknown: 'Of unknown health',
  working: 'Working',
  failed: 'Failed',
  done: 'Done'
}

/** The state of a task in one line: since when, and what it does or waits for, or how it ended and why. */
export function formatState (summary: TaskSummary, now: number): string {
  const { state, since, health } = summary
  if (summary.runs.total === 0 && since === undefined) return 'Nothing has run yet.'
  const name = state === 'stuck' && health?.state === 'lost' ? 'Lost' : STATE_NAMES[state]
  const sinceMs = since === undefined ? NaN : now - Date.parse(since)
  const span = Number.isFinite(sinceMs) ? formatDuration(sinceMs) : ''
  const when = span === '' ? '' : isOver(state) ? ` ${span} ago` : ` for ${span}`
  return toPlainLine(`${name}${when}. ${reasonsOf(summary)}`, MAX_SENTENCES)
}

function isOver (state: TaskState): boolean {
  return state === 'failed' || state === 'done'
}

function reasonsOf ({ state, health, failure, runs, task }: TaskSummary): string {
  if (health !== undefined) return health.because.join(' ')
  if (state === 'failed') return failure?.summary ?? 'The last run of a role failed.'
  if (runs.running > 0) return `${countOf(runs.running, 'run')} running.`
  if (isOver(state)) return `${countOf(runs.total, 'run')} ended${failure === undefined ? '.' : `, the last one badly. ${failure.summary}`}`
  const word = task.status === undefined ? '' : `, and its status is ${task.status}`
  return `Nothing runs at the moment${word}.${failure === undefined ? '' : ` ${failure.summary}`}`
}

/** One part of an answer: its first line, and what belongs to it. */
export interface AnswerSection {
  readonly label: string
  readonly lines: readonly string[]
}

/**
 * What is known of a task, for a person at a terminal: is it stuck, on what, why did it fail, what did it cost, how far
 * is the plan, which files.
 *
 * @param latest its latest runs, newest first
 * @param now milliseconds since the epoch
 */
export function formatAnswer (
  summary: TaskSummary, latest: readonly InvocationSummary[], now: number
): string[] {
  return answerSections(summary, latest, now, MAX_LISTED).flatMap(labelled)
}

/** The same in its parts. @param max of plan, files and runs, so many are listed */
export function answerSections (
  summary: TaskSummary, latest: readonly InvocationSummary[], now: number, max: number
): AnswerSection[] {
  const { task } = summary
  const name = task.title === undefined ? task.id : `${task.title} (${task.id})`
  return [
    { label: 'Task', lines: [task.status === undefined ? name : `${name}, ${task.status}`] },
    { label: 'State', lines: [formatState(summary, now)] },
    ...(summary.failure === undefined ? [] : [{ label: 'Why', lines: whyLines(summary.failure) }]),
    { label: 'Cost', lines: [formatUsage(summary.usage), ...budgetLines(summary.budget)] },
    { label: 'Plan', lines: planLines(summary.plan, max) },
    { label: 'Files', lines: fileLines(summary, max) },
    { label: 'Calls', lines: [callsLine(summary.calls)] },
    { label: 'Time', lines: [timeLine(summary)] },
    { label: 'Runs', lines: runLines(summary, latest, now) }
  ]
}

function labelled ({ label, lines }: AnswerSection): string[] {
  return lines.map((line, index) => {
    const indent = /^ */.exec(line)?.[0] ?? ''
    return `${(index === 0 ? `${label}:` : '').padEnd(8)}${indent}${toPlainLine(line, MAX_SENTENCES)}`.trimEnd()
  })
}

function whyLines (failure: NonNullable<TaskSummary['failure']>): string[] {
  const { code, rule, retryable, resetAt, firstError, openTool, lastWord, attempts, exitCode, signal } = failure
  const again = retryable ? 'the same run may succeed when it is started again' : 'starting it again as it is does not help'
  const place = firstError?.location
  return [
    `${code} (${failure.class}, by ${rule}) in run ${failure.invocationId}; ${again}${resetAt === undefined ? '' : ` after ${resetAt}`}`,
    ...(firstError === undefined
      ? []
      : [`First error, event ${firstError.seq}${place === undefined ? '' : `, ${place.file}${place.line === undefined ? '' : `:${place.line}`}`}: ${firstError.message}`]),
    ...(attempts === undefined || attempts < 2 ? [] : [`Tried ${attempts} times`]),
    ...(openTool === undefined ? [] : [`Open at the end, event ${openTool.seq}, for ${formatDuration(openTool.elapsedMs)}: ${openTool.message}`]),
    ...(lastWord === undefined ? [] : [`Last word: ${lastWord}`]),
    ...(exitCode === null && signal === null ? [] : [[exitCode === null ? '' : `Exit code ${exitCode}`, signal ?? ''].filter(Boolean).join(', ')]),
    `What to do: ${FAILURE_CATALOGUE[code].remedy.replaceAll('`', '')}`
  ]
}

/** What was used, in one line. */
function formatUsage (usage: UsageSum): string {
  const { costUsd, isProvisional, unpriced } = usage
  const tokens = TOKENS.flatMap(([name, words]) => usage[name] === undefined ? [] : [`${groupDigits(usage[name])} ${words}`])
  const parts = [
    ...(costUsd === undefined ? [] : [formatUsd(costUsd)]),
    ...(tokens.length === 0 ? [] : [`tokens: ${tokens.join(', ')}`])
  ]
  if (parts.length === 0) return isProvisional ? 'nothing told so far' : 'nothing told'
  return [
    parts.join('; ') + (isProvisional ? ' (so far)' : ''),
    ...(unpriced === undefined ? [] : [`without the cost of ${unpriced.join(', ')}, whose price nobody told`])
  ].join('; ')
}

function budgetLines (budget: TaskSummary['budget']): string[] {
  if (budget === undefined) return []
  const { limitUsd, spentUsd, invocations } = budget
  return [
    ...(limitUsd === undefined ? [] : [`${spentUsd > limitUsd ? 'over' : 'within'} the task's budget of ${formatUsd(limitUsd)}`]),
    ...invocations.slice(-MAX_LISTED).map((run) =>
      `run ${run.invocationId} over its budget of ${formatUsd(run.limitUsd)}: ${formatUsd(run.spentUsd)}`)
  ]
}

const TOKENS = [
  ['inputTokens', 'in'], ['outputTokens', 'out'], ['cacheReadTokens', 'read from cache'],
  ['cacheWriteTokens', 'written to cache'], ['reasoningTokens', 'of reasoning']
] as const

function groupDigits (count: number): string {
  return String(count).replace(/\B(?=(\d{3})+(?!\d))/g, ',')
}

const MARKS = { completed: '✓', in_progress: '▸', pending: '·' } as const

function planLines (plan: TaskSummary['plan'], max: number): string[] {
  if (plan === undefined) return ['none told']
  return [
    `${plan.done} of ${plan.total} done`,
    ...plan.entries.slice(0, max).map(({ text, status }) => `  ${MARKS[status]} ${text}`),
    ...(plan.total > Math.min(max, plan.entries.length) ? [`  and ${plan.total - Math.min(max, plan.entries.length)} more`] : [])
  ]
}

function fileLines ({ files, filesTotal }: TaskSummary, max: number): string[] {
  if (filesTotal === 0) return ['none edited']
  return [
    `${countOf(filesTotal, 'file')} edited`,
    ...files.slice(0, max).map(({ path, edits, added, removed, isNew }) =>
      ['  ' + path, ...(added === undefined ? [] : [`+${added}`]), ...(removed === undefined ? [] : [`-${removed}`]),
        ...(edits > 1 ? [`(${edits} edits)`] : []), ...(isNew === true ? ['new'] : [])].join(' ')),
    ...(filesTotal > Math.min(max, files.length) ? [`  and ${filesTotal - Math.min(max, files.length)} more`] : [])
  ]
}

function callsLine ({ total, failed, byKind }: TaskSummary['calls']): string {
  if (total === 0) return 'none'
  const kinds = Object.entries(byKind).sort(([, a], [, b]) => b.total - a.total)
    .map(([kind, count]) => `${kind} ${withFailed(count.total, count.failed)}`)
  return `${withFailed(total, failed)}: ${kinds.join(', ')}`
}

function withFailed (total: number, failed: number): string {
  return failed === 0 ? String(total) : `${total} (${failed} failed)`
}

function timeLine ({ elapsedMs, time }: TaskSummary): string {
  const kinds = Object.entries(time.byKind).filter(([, ms]) => ms > 0).sort(([, a], [, b]) => b - a)
    .map(([kind, ms]) => `${kind} ${formatDuration(ms)}`)
  const parts = [
    [time.toolMs, `in tools${kinds.length > 0 ? ` (${kinds.join(', ')})` : ''}`], [time.thinkingMs, 'thinking'],
    [time.waitingMs, 'waiting'], [time.personMs, 'waiting for a person'], [time.betweenRunsMs, 'between runs']
  ] as const
  return [`${formatDuration(elapsedMs)} in all`, ...parts.flatMap(([ms, words]) => ms > 0 ? [`${formatDuration(ms)} ${words}`] : [])].join('; ')
}

function runLines ({ runs }: TaskSummary, latest: readonly InvocationSummary[], now: number): string[] {
  const states = (['running', 'completed', 'failed', 'timeout'] as const)
    .flatMap((status) => runs[status] > 0 ? [`${runs[status]} ${status === 'timeout' ? 'out of time' : status}`] : [])
  return [
    runs.total === 0 ? 'none' : `${runs.total}: ${states.join(', ')}`,
    ...latest.map((run) => `  ${describeRun(run, now)}`),
    ...(runs.total > latest.length ? [`  and ${runs.total - latest.length} before`] : [])
  ]
}

function describeRun (run: InvocationSummary, now: number): string {
  const { id, role, provider, model, status, startedAt, duration, error, health, outcome } = run
  const sinceMs = startedAt === undefined ? NaN : now - Date.parse(startedAt)
  const took = status === 'running' ? sinceMs : duration
  const span = took === undefined || !Number.isFinite(took) ? '' : ` ${status === 'running' ? 'for' : 'after'} ${formatDuration(took)}`
  const verb = status === 'timeout' ? 'ran out of time' : outcome ?? status
  const more = health?.because.join(' ') ?? error
  const who = `${provider}${model === undefined ? '' : `, ${model}`}`
  return toPlainLine(`${id} ${nameOf(role)} (${who}) ${verb}${span}${more === undefined ? '' : `: ${more}`}`, MAX_SENTENCES)
}

function countOf (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
