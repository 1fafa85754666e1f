import type { TaskSummary } from '../model/answers.js'
import type { Gap, InvocationActivityEvent, InvocationSummary, TimelineEvent } from '../model/events.js'
import { formatDuration, toVisible, toVisibleBlock } from '../text/plain-text.js'
import { toIso } from '../time/clock.js'
import { EventLines, nameOf } from './event-lines.js'
import { EXPORT_STYLES } from './export-styles.js'
import { answerSections, formatState } from './task-answer.js'

/** What the answer lists of plan, files and runs. */
const MAX_LISTED = 1_000

interface Row {
  readonly mark: string
  readonly tone: string
  readonly text: string
  readonly block: string
}

/** A task as one page that needs nothing else: no script, no network. All texts are texts. */
export class ExportPage {
  readonly #runs: readonly InvocationSummary[]
  readonly #roles: Map<number, string>
  readonly #lines: EventLines

  /** @param runs of the task, newest first */
  constructor (runs: readonly InvocationSummary[]) {
    this.#runs = runs
    this.#roles = new Map(runs.map(({ id, role }) => [id, role]))
    this.#lines = new EventLines(runs)
  }

  /** @param now milliseconds since the epoch */
  head (summary: TaskSummary, now: number): string {
    const { task, headSeq } = summary
    const title = line(task.title ?? task.id)
    const sections = answerSections(summary, this.#runs, now, MAX_LISTED).filter(({ label }) => label !== 'Task' && label !== 'State')
    return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${title}</title>
<style>${EXPORT_STYLES}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<p class="quiet">Task ${line(task.id)}${task.status === undefined ? '' : ` · ${line(task.status)}`} · ${headSeq} events · as of ${toIso(now)}</p>
<p class="state ${summary.state}">${line(formatState(summary, now))}</p>
</header>
<main>
${sections.map(({ label, lines }) => section(label, lines)).join('\n')}
<h2 id="log">Log</h2>
<ol class="log">
`
  }

  row (event: TimelineEvent): string {
    const who = 'invocationId' in event ? this.#who(event.invocationId) : ''
    const { mark, tone, text, block } = this.#describe(event)
    return `<li id="e${event.seq}"${tone === '' ? '' : ` class="${tone}"`}><a href="#e${event.seq}">${event.seq}</a>` +
      `<time datetime="${line(event.timestamp)}">${line(event.timestamp.slice(0, 19).replace('T', ' '))}</time><span class="who">${line(who)}</span>` +
      `<div>${mark === '' ? '' : `<span class="mark">${mark}</span> `}${text === '' ? '' : `<span class="text">${escape(toVisibleBlock(text))}</span>`}` +
      `${block === '' ? '' : `<pre>${escape(toVisibleBlock(block))}</pre>`}</div></li>\n`
  }

  gap ({ fromSeq, toSeq, reason }: Gap): string {
    const why = reason === 'expired' ? 'past the time that activities are kept' : 'deleted'
    return `<li class="gap"><a>${fromSeq}</a><div>${fromSeq === toSeq ? `Event ${fromSeq} is` : `Events ${fromSeq} to ${toSeq} are`} not there: ${why}.</div></li>\n`
  }

  foot (): string {
    return '</ol>\n</main>\n</body>\n</html>\n'
  }

  #who (invocationId: number): string {
    const role = this.#roles.get(invocationId)
    return role === undefined || role === '' ? `Run ${invocationId}` : `${nameOf(role)} ${invocationId}`
  }

  #describe (event: TimelineEvent): Row {
    if (event.type === 'invocation.activity') return describeActivity(event as InvocationActivityEvent)
    if (event.type === 'invocation.started') this.#roles.set(event.invocationId, event.role)
    const said = (this.#lines.format(event) ?? event.type).replace(/^\S+ {2}/, '')
    const isBad = event.type === 'invocation.failed' || event.type === 'invocation.timeout'
    // A line is cut; an error is not.
    return { mark: '', tone: isBad ? 'bad edge' : 'edge', text: said, block: isBad && 'error' in event ? event.error : '' }
  }
}

function describeActivity ({ activity, activityType, metadata = {} }: InvocationActivityEvent): Row {
  if (activityType === 'error') return { mark: '✗', tone: 'bad', text: activity, block: '' }
  if (activityType === 'output') return { mark: '', tone: 'said', text: activity, block: '' }
  if (activityType === 'progress') return { mark: '·', tone: 'quiet', text: activity, block: '' }
  const { phase, status, exitCode, durationMs, input, result } = metadata
  if (phase !== 'end') return { mark: '⚡', tone: '', text: activity, block: jsonOf(input) }
  const isGood = status === 'ok' || status === undefined
  const details = [
    ...(isGood ? [] : [String(status)]),
    ...(typeof exitCode === 'number' ? [`exit ${exitCode}`] : []),
    ...(typeof durationMs === 'number' ? [formatDuration(durationMs)] : [])
  ].join(', ')
  return {
    mark: isGood ? '✓' : '✗', tone: isGood ? '' : 'bad', text: details === '' ? activity : `${activity} (${details})`, block: jsonOf(result)
  }
}

/** A command is in its message already. */
function jsonOf (value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value === 'string') return value
  const names = typeof value === 'object' ? Object.keys(value) : []
  return names.join() === 'command' ? '' : JSON.stringify(value, null, 2).replaceAll('\\n', '\n')
}

function section (label: string, [first = '', ...rest]: readonly string[]): string {
  const items = rest.map((one) => `<li>${line(one.trim())}</li>`).join('')
  return `<section><h2>${label}</h2><div><p>${line(first)}</p>${items === '' ? '' : `<ul>${items}</ul>`}</div></section>`
}

function line (text: string): string {
  return escape(toVisible(text))
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

function escape (text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string)
}
