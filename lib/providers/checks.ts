import { timelineError } from '../errors.js'
import type { CliAdapter } from './adapter.js'
import type { OutputFormat } from './format.js'
import { object } from './json.js'
import type { ProcessEnd } from './process/process-runner.js'

/** A time in the options. @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkMs (name: string, value: number | undefined): void {
  if (value !== undefined && !(value > 0)) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is a positive number of milliseconds'])
  }
}

/** A format of a host's own. @throws AGENT_TIMELINE_INVALID_OPTION */
export function checkFormat (name: string, value: unknown): asserts value is OutputFormat {
  const { name: known, createParser, recognise } = object(value)
  const isFormat = typeof known === 'string' && known !== '' && typeof createParser === 'function' &&
    (recognise === undefined || typeof recognise === 'function')
  if (!isFormat) {
    throw timelineError('AGENT_TIMELINE_INVALID_OPTION', [name, 'is an object with a name and createParser(), and perhaps recognise()'])
  }
}

type PromptLimits = Pick<CliAdapter<unknown>, 'name' | 'promptLimit'>

/** What the CLI would refuse or, worse, cut. @throws AGENT_TIMELINE_PROMPT_TOO_LONG */
export function checkPrompt ({ name, promptLimit: limit }: PromptLimits, prompt: string): void {
  const tooLong = (max: number, unit: string, is: number): Error =>
    timelineError('AGENT_TIMELINE_PROMPT_TOO_LONG', [name, `${is} ${unit}, at most ${max}`])
  if (limit?.characters !== undefined && prompt.length > limit.characters) {
    const characters = [...prompt].length
    if (characters > limit.characters) throw tooLong(limit.characters, 'characters', characters)
  }
  if (limit?.bytes !== undefined && prompt.length * 3 > limit.bytes) {
    const bytes = Buffer.byteLength(prompt)
    if (bytes > limit.bytes) throw tooLong(limit.bytes, 'bytes', bytes)
  }
}

const REFUSED_FLAG = /unknown (option|argument)s?|unexpected argument|unrecognized (option|argument)/i

/** A CLI that knew none of its flags. @throws AGENT_TIMELINE_COMMAND_TOO_OLD */
export function throwIfTooOld (command: string, { exitCode, stderrTail }: ProcessEnd): void {
  if (exitCode === 0 || exitCode === null) return
  const line = stderrTail.split('\n').find((line) => REFUSED_FLAG.test(line))
  if (line !== undefined) throw timelineError('AGENT_TIMELINE_COMMAND_TOO_OLD', [command, line.trim()])
}
