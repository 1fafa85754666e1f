import { html } from 'htm/preact'
import type { VNode } from 'preact'
import type { TaskSummary } from '../../lib/model/answers.js'
import { toPlainText } from './ansi.js'
import { formatSeconds, formatTime, toWords } from './format.js'

const DOCS = 'https://github.com/fastify-agent-timeline/fastify-agent-timeline/blob/main/docs/failures.md#'

/** Who has to act, in words. */
const ADVICE = {
  transient: 'It passes by itself: start the run again.',
  'needs-person': 'A person has to act before another run can succeed.',
  agent: 'Another step, or a smaller task, may get past it.',
  tool: 'Mend what the command found.',
  host: 'Look at the machine that runs the agents.',
  unknown: ''
} as const

/** Why the task failed: first cause, where, how often, what the agent said last, and the way to the row. */
export function failureCard (failure: NonNullable<TaskSummary['failure']>, nowMs: number, onShow: (seq: number) => void): VNode {
  const { summary, code, firstError, lastWord, attempts = 0, openTool, resetAt, retryable } = failure
  const seq = firstError?.seq ?? openTool?.seq
  const { file, line } = firstError?.location ?? {}
  const resetMs = resetAt === undefined ? 0 : Date.parse(resetAt) - nowMs
  const first = firstError === undefined ? '' : toPlainText(firstError.message, 300)
  const said = toPlainText(summary, 400)
  const lead = first === '' || said.includes(first) ? said : first
  return html`<section class="why" part="failure" aria-label="Why it failed">
    <p><b>${lead}</b>
      ${file !== undefined && html` in <span class="mono">${toPlainText(file, 200)}${line !== undefined && `:${line}`}</span>`}</p>
    ${seq !== undefined && html`<button class="button" onClick=${() => onShow(seq)}>Show the step <kbd>E</kbd></button>`}
    <p class="rest"><a class="badge bad" href=${`${DOCS}${code}`} target="_blank" rel="noreferrer">${toWords(code)}</a>
      ${!lead.includes(said) && ` ${said}`}
      ${attempts > 1 && ` Tried ${attempts} times.`}
      ${openTool !== undefined && html` Open at the end: <span class="mono">${toPlainText(openTool.message, 120)}</span>, for ${formatSeconds(openTool.elapsedMs)}.`}
      ${resetMs > 0 ? ` The limit ends at ${formatTime(nowMs + resetMs)}, in ${formatSeconds(resetMs)}.` : ` ${adviceOf(failure.class, retryable)}`}
      ${lastWord !== undefined && lastWord !== '' && html` The agent’s last word: “${toPlainText(lastWord, 300)}”`}</p>
  </section>` as VNode
}

function adviceOf (of: keyof typeof ADVICE, retryable: boolean): string {
  return of === 'unknown' && retryable ? ADVICE.transient : ADVICE[of]
}
