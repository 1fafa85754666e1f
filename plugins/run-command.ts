import type { InvocationResult, InvokeOptions } from '../lib/activity.js'
import { isTimelineError } from '../lib/errors.js'
import type { Logger } from '../lib/logger.js'
import { createAgent } from '../lib/providers/agent.js'
import type { PassOn } from '../lib/providers/process-runner.js'
import type { OutputFormat } from '../lib/providers/format.js'
import { knownFormats } from '../lib/providers/formats.js'
import { createRecognisingAdapter, recogniseCommand } from '../lib/providers/recognise.js'
import { openTimeline, type InvocationMeta, type Timeline } from '../lib/timeline.js'

/** How a process ends. */
export type Exit = number | NodeJS.Signals

/** A command to run and record. */
export interface RecordedCommand {
  /** The program and its arguments. */
  readonly words: readonly string[]
  readonly database: string
  readonly meta: Omit<InvocationMeta, 'prompt' | 'provider'> & { readonly provider?: string }
  /** Milliseconds; none by default. */
  readonly timeout?: number
  readonly silenceTimeout?: number
  /** Aborted with the name of a signal: the command gets that signal. */
  readonly signal: AbortSignal
  readonly passOn: PassOn
  /** Looked at before those that are known anyway. */
  readonly formats?: readonly OutputFormat[]
  readonly logger: Logger
}

/** As a shell has it: not found, found but not executable. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
/** How long the command waits for its record, in milliseconds. */
const OPEN_MS = 2_000

/**
 * Runs a command and records it: its output by line, or, where it is that of a CLI this package knows, all that its
 * adapter reads from it. Stdin is the one of this process, stdout and stderr are passed on byte for byte.
 *
 * The command runs whatever becomes of the database.
 *
 * @returns how the command ended
 */
export async function runRecorded (command: RecordedCommand): Promise<Exit> {
  const { words, meta, logger } = command
  const [program = '', ...args] = words
  const formats = [...command.formats ?? [], ...knownFormats()]
  const adapter = createRecognisingAdapter(words, formats)
  const agent = createAgent(adapter, { command: program, args: () => args }, command.passOn)
  const { timeout, silenceTimeout } = command
  const limits = { ...(timeout !== undefined && { timeout }), ...(silenceTimeout !== undefined && { silenceTimeout }) }
  const invoke = async (options: InvokeOptions): Promise<InvocationResult> => await agent.invoke('', { ...limits, ...options })

  const timeline = await openInTime(command)
  const provider = meta.provider ?? recogniseCommand(words, formats)?.name ?? program.replace(/^.*\//, '')
  try {
    const result = timeline === undefined
      ? await invoke({ signal: command.signal })
      : await timeline.logInvocation(
        { ...meta, provider, prompt: words.map(quoted).join(' '), signal: command.signal },
        async ({ onActivity, signal }) => await invoke({ onActivity, signal })
      )
    if (result.timedOut) logger.warn({}, String(result.error))
    return result.signal === null ? result.exitCode ?? 1 : result.signal as NodeJS.Signals
  } catch (err) {
    if (!isTimelineError(err)) throw err
    logger.error({ err }, err.code)
    return err.code === 'AGENT_TIMELINE_COMMAND_NOT_FOUND' ? NOT_FOUND : NOT_EXECUTABLE
  } finally {
    await timeline?.close()
  }
}

/** A database that cannot be had soon is done without; one that comes later is closed again. */
async function openInTime ({ database, logger }: RecordedCommand): Promise<Timeline | undefined> {
  let isLate = false
  const opening = openTimeline({ database, activityLogRetention: 0, logger }).then(async (timeline) => {
    if (!isLate) return timeline
    await timeline.close()
    return undefined
  })
  let timer: NodeJS.Timeout | undefined
  const patience = new Promise<never>((resolve, reject) => {
    timer = setTimeout(() => {
      isLate = true
      reject(new Error(`the database did not open within ${OPEN_MS} ms`))
    }, OPEN_MS)
  })
  try {
    return await Promise.race([opening, patience])
  } catch (err) {
    logger.error({ err }, 'the command runs without a record')
    opening.catch(() => {})
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

/** A word as a shell would want it. */
function quoted (word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
