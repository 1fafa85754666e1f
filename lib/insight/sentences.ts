import type { HealthState } from '../model/events.js'
import type { ProcessEvidence } from './evidence.js'
import type { Situation } from './expected.js'
import { HEARTBEAT_FRESH_MS } from './limits.js'
import type { Loop } from './loops.js'
import type { TreeSign } from './process-tree.js'
import type { WaitKind } from './wait-kind.js'

/** `3 s`, `4 min`, `2 h 5 min`: a duration as a sentence has it. */
export function formatSpan (ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  // Near the limits the difference matters.
  if (minutes < 10 && seconds % 60 >= 1) return `${minutes} min ${seconds % 60} s`
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
}

/** The verb for a duration: `1 min is`, `2 min are`. */
export function are (ms: number): 'is' | 'are' {
  return formatSpan(ms).startsWith('1 ') ? 'is' : 'are'
}

const WAITS: Readonly<Record<WaitKind, string>> = {
  person: 'a person',
  rate_limit: 'a rate limit to pass',
  usage_limit: 'a usage limit to pass',
  retry: 'its next attempt',
  network: 'the network',
  model: 'the model',
  background: 'background tasks',
  other: ''
}

/** What a verdict's sentences are made of. */
export interface SentenceFacts extends Situation {
  readonly state: HealthState
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
  return [
    ...(loop === undefined ? [] : [describeLoop(loop)]),
    describeStep(facts),
    ...describeTree(facts),
    describeProcess(evidence, state)
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
    return describeWaiting(kind, what, at - since, until === undefined ? undefined : until - at)
  }
  if (call?.isPerson === true) {
    return describeWaiting('person', call.message === '' ? call.name : call.message, at - call.startedAt)
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

/**
 * What the agent said it waits for, and how long it has been waiting.
 *
 * @param remainingMs until the end that it told; below 0 when that is past
 */
function describeWaiting (kind: string, what: string, elapsedMs: number, remainingMs?: number): string {
  const known = WAITS[kind as WaitKind] ?? ''
  const told = known === '' ? what : what === '' || known.includes(what) ? known : `${known} (${what})`
  const waited = `It has been waiting for ${told} for ${formatSpan(elapsedMs)}`
  if (remainingMs === undefined) return `${waited}.`
  return remainingMs >= 0
    ? `${waited}, and will for another ${formatSpan(remainingMs)}.`
    : `${waited}; that should have ended ${formatSpan(-remainingMs)} ago.`
}

/** What is known of the process; says nothing of whether the agent moves. */
function describeProcess ({ process, heartbeatAgeMs }: ProcessEvidence, state: HealthState): string {
  const age = formatSpan(heartbeatAgeMs)
  switch (process) {
    case 'alive': return 'Its process is alive.'
    case 'suspended': return 'Its process is suspended.'
    case 'dead': return 'Its process is gone.'
    case 'elsewhere': return heartbeatAgeMs > HEARTBEAT_FRESH_MS
      ? `Its process cannot be looked at from here, and last gave a sign ${age} ago.`
      : `Its process last gave a sign ${age} ago.`
    case 'unrecorded': return state === 'unknown'
      ? 'It was recorded by the host alone, so whether its process lives is not known.'
      : 'It was recorded by the host alone: nothing is known of its process.'
  }
}
