import type { ActivityType } from '../model/activity.js'
import { checkBoolean, checkKnown } from '../options.js'

/** What may be stored of the texts of a run; each is true by default. */
export interface RecordOptions {
  readonly prompt?: boolean
  /** Its response and its summary. */
  readonly response?: boolean
  /** What the agent prints: the texts of its output, the results and live output of its tools, the end of stderr. */
  readonly output?: boolean
}

/** Fills in the defaults. @throws AGENT_TIMELINE_INVALID_OPTION, AGENT_TIMELINE_UNKNOWN_OPTION */
export function resolveRecord (options: RecordOptions = {}): Required<RecordOptions> {
  checkKnown('record.', options, ['prompt', 'response', 'output'])
  for (const [name, value] of Object.entries(options)) if (value !== undefined) checkBoolean(`record.${name}`, value)
  return { prompt: options.prompt ?? true, response: options.response ?? true, output: options.output ?? true }
}

/** What is kept of output: whose it is. */
const KEPT_OF_OUTPUT = ['parentCallId', 'callId', 'kind', 'stream']

/**
 * An activity without what the agent or a tool printed. The activity stays, since it shows that the agent moves.
 */
export function withoutOutput (
  type: ActivityType, message: string, metadata: Readonly<Record<string, unknown>> | undefined
): { message: string, metadata: Record<string, unknown> } {
  const isPrinted = type === 'output' || metadata?.live === true
  const left = Object.entries(metadata ?? {})
    .filter(([name]) => isPrinted ? KEPT_OF_OUTPUT.includes(name) : name !== 'result' && name !== 'raw')
  return { message: isPrinted ? '' : message, metadata: Object.fromEntries(left) }
}
