import { timelineError } from './errors.js'

/** How much of what an agent says is kept; each in bytes of UTF-8 unless said otherwise. */
export interface Caps {
  /** One activity's message. Default 16 KiB. */
  readonly messageBytes: number
  /** One activity's metadata, as JSON, beside a tool's input and result. Default 8 KiB. */
  readonly metadataBytes: number
  /** A tool's input, as JSON. Default 16 KiB. */
  readonly inputBytes: number
  /** A tool's result: of more its beginning, what stands around failures, its end. Default 16 KiB. */
  readonly resultBytes: number
  /** A prompt. Default 256 KiB. */
  readonly promptBytes: number
  /** A response. Default 1 MiB. */
  readonly responseBytes: number
  /** Activities of one invocation; past it the middle goes. Default 200,000 rows. */
  readonly activitiesPerInvocation: number
  /** What waits to be written; past it output is dropped, and the loss is reported. Default 32 MiB. */
  readonly queueBytes: number
}

export const DEFAULT_CAPS: Caps = {
  messageBytes: 16 * 1024,
  metadataBytes: 8 * 1024,
  inputBytes: 16 * 1024,
  resultBytes: 16 * 1024,
  promptBytes: 256 * 1024,
  responseBytes: 1024 * 1024,
  activitiesPerInvocation: 200_000,
  queueBytes: 32 * 1024 * 1024
}

/** Bounds of each cap: far enough down to be useful in a test, far enough up for any disk. */
const CAP_BOUNDS: Readonly<Record<keyof Caps, readonly [min: number, max: number]>> = {
  messageBytes: [256, 16 * 1024 * 1024],
  metadataBytes: [256, 16 * 1024 * 1024],
  inputBytes: [256, 16 * 1024 * 1024],
  resultBytes: [1024, 16 * 1024 * 1024],
  promptBytes: [0, 64 * 1024 * 1024],
  responseBytes: [0, 64 * 1024 * 1024],
  activitiesPerInvocation: [100, 100_000_000],
  queueBytes: [64 * 1024, 1024 * 1024 * 1024]
}

/** @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION */
export function resolveCaps (caps: Partial<Caps> = {}): Caps {
  checkKnown('caps.', caps, Object.keys(DEFAULT_CAPS))
  for (const [name, value] of Object.entries(caps)) {
    const [min, max] = CAP_BOUNDS[name as keyof Caps]
    checkInteger(`caps.${name}`, value, min, max)
  }
  return { ...DEFAULT_CAPS, ...caps }
}

/** @throws AGENT_TIMELINE_UNKNOWN_OPTION */
export function checkKnown (prefix: string, given: object, known: readonly string[]): void {
  checkObject(prefix.replace(/\.$/, ''), given)
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) throw timelineError('AGENT_TIMELINE_UNKNOWN_OPTION', [prefix + name, known.join(', ')])
  }
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkObject (name: string, value: unknown): void {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return
  if (name === '') {
    const problem = 'is given in an object, as in { database: "./orchestrator.db" }'
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', ['database', problem])
  }
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is an object'])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkInteger (name: string, value: unknown, min: number, max: number): void {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max) return
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, `is a whole number from ${min} to ${max}`])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkBoolean (name: string, value: unknown): void {
  if (typeof value !== 'boolean') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is true or false'])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkOneOf (name: string, value: unknown, known: readonly string[]): void {
  if (known.some((one) => one === value)) return
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, `is ${known.map((one) => `'${one}'`).join(' or ')}`])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkFunction (name: string, value: unknown): void {
  if (typeof value !== 'function') throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is a function'])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkList (name: string, value: unknown, of: string, isItem: (item: unknown) => boolean): void {
  if (value === undefined || (Array.isArray(value) && value.every(isItem))) return
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, `is a list of ${of}`])
}

/** @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkMethods (name: string, value: unknown, methods: readonly string[]): void {
  const object = Object(value) as Record<string, unknown>
  if (methods.every((method) => typeof object[method] === 'function')) return
  throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, `is an object with the methods ${methods.join(', ')}`])
}

/**
 * A task id as the log knows it.
 *
 * @throws AGENT_TIMELINE_INVALID_TASK_ID
 */
export function checkTaskId (taskId: unknown): string {
  const id = typeof taskId === 'number' && Number.isSafeInteger(taskId) ? String(taskId) : taskId
  // eslint-disable-next-line no-control-regex
  if (typeof id !== 'string' || id === '' || id.length > 256 || /[\0-\x1f\x7f]/.test(id) || !isWellFormed(id)) {
    throw timelineError('AGENT_TIMELINE_INVALID_TASK_ID')
  }
  return id
}

function isWellFormed (text: string): boolean {
  return (text as unknown as { isWellFormed (): boolean }).isWellFormed()
}

/** @throws AGENT_TIMELINE_INVALID_INVOCATION_ID */
export function checkInvocationId (id: unknown): number {
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) {
    throw timelineError('AGENT_TIMELINE_INVALID_INVOCATION_ID')
  }
  return id
}
