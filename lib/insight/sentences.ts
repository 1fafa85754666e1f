import type { HealthState } from '../model/events.js'
import type { Evidence, WaitEvidence } from './evidence.js'
import { HEARTBEAT_FRESH_MS } from './floors.js'
import type { WaitKind } from './wait-kind.js'

/** `3 s`, `4 min`, `2 h 5 min`: a duration as a sentence has it. */
export function formatSpan (ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  // Near the floors the difference matters.
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

/** What the agent said it waits for, and how long it has been waiting. */
export function describeWaiting (
  { kind, what, until, remainingMs, elapsedMs }: Pick<WaitEvidence, 'kind' | 'what' | 'elapsedMs'> & Partial<WaitEvidence>
): string {
  const known = WAITS[kind] ?? ''
  const told = known === '' ? what : what === '' || known.includes(what) ? known : `${known} (${what})`
  const waited = `It has been waiting for ${told} for ${formatSpan(elapsedMs)}`
  if (until === undefined || remainingMs === undefined) return `${waited}.`
  return remainingMs >= 0
    ? `${waited}, and will for another ${formatSpan(remainingMs)}.`
    : `${waited}; that should have ended ${formatSpan(-remainingMs)} ago.`
}

/** What is known of the process; says nothing of whether the agent moves. */
export function describeProcess ({ process, heartbeatAgeMs }: Evidence, state: HealthState): string {
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
