import { are, describeProcess, describeWaiting, formatSpan } from './sentences.js'
import type { HealthState } from '../model/events.js'
import type { WaitKind } from './wait-kind.js'
import type { Loop } from './loops.js'
import type { TreeSign } from './process-tree.js'
import type { Situation, ProcessEvidence } from './situation.js'

/** What a verdict's sentences are made of. */
export interface SentenceFacts extends Situation {
  readonly state: HealthState | 'looping'
  readonly silentForMs: number
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly loop: Loop | undefined
  readonly sign: TreeSign
  readonly evidence: ProcessEvidence
}

/** The evidence: what the run does, what repeats, what its processes do, whether its own process lives. */
export function describe (facts: SentenceFacts): string[] {
  const { loop, evidence, state } = facts
  const process = describeProcess({ ...evidence, at: facts.at } as Parameters<typeof describeProcess>[0],
    state === 'looping' ? 'working' : state)
  return [
    ...(loop === undefined ? [] : [describeLoop(loop)]),
    describeStep(facts),
    ...describeTree(facts),
    process
  ]
}

const WHY: Readonly<Record<Loop['why'], string>> = {
  'same result': 'the same call with the same result',
  'same error': 'the same call with the same error',
  'same tool, same error': 'the same tool with the same error',
  cycle: 'the same calls with the same results'
}

function describeLoop ({ why, times, calls }: Loop): string {
  return calls === 1 ? `It has made ${WHY[why]} ${times} times in a row.` : `It has made ${WHY[why]}, ${calls} of them, ${times} times in a row.`
}

function describeStep ({ call, wait, expectation, silentForMs, state, at }: SentenceFacts): string {
  if (wait !== undefined) {
    const { kind, what, until, since } = wait
    return describeWaiting({
      kind: kind as WaitKind,
      what,
      elapsedMs: at - since,
      ...(until === undefined ? {} : { until: new Date(until).toISOString(), remainingMs: until - at })
    })
  }
  if (call?.isPerson === true) {
    return describeWaiting({ kind: 'person', what: call.message, elapsedMs: at - call.startedAt })
  }
  const isLate = silentForMs > expectation.quietMs
  const usual = `${isLate ? '' : 'up to '}${formatSpan(expectation.quietMs)} ${are(expectation.quietMs)} usual`
  if (call !== undefined) {
    const what = call.message === '' ? call.name : `\`${call.message.replace(/^exec: /, '')}\``
    const { history } = expectation
    const here = history === undefined
      ? `${usual} for it.`
      : `it took up to ${formatSpan(history.longestMs)} in its last ${history.runs === 1 ? 'run' : history.runs + ' runs'} here.`
    return `${what} has been running for ${formatSpan(at - call.startedAt)}; ${here}`
  }
  if (state === 'starting') return `It has not said anything yet; ${usual}.`
  if (expectation.step === 'start') return `It never started: nothing came for ${formatSpan(silentForMs)}; ${usual}.`
  return isLate
    ? `The model has not answered for ${formatSpan(silentForMs)}; ${usual}.`
    : `Its last activity was ${formatSpan(silentForMs)} ago; ${usual} while it thinks.`
}

function describeTree ({ sign, call }: SentenceFacts): string[] {
  if (call === undefined) return []
  if (sign === 'gone') return ['Its command has ended, the answer never came.']
  if (sign === 'busy') return ['Its command is using the processor or the disk.']
  return sign === 'idle' ? ['Its command is there and does nothing.'] : []
}
