import { text } from 'node:stream/consumers'
import type { InvocationResult, InvokeOptions, OnActivity } from '../../lib/model/activity.js'
import { isTimelineError } from '../../lib/errors.js'
import type { Logger } from '../../lib/logger.js'
import { createAcpAdapter } from '../../lib/providers/acp/acp.js'
import type { AcpState } from '../../lib/providers/acp/state.js'
import type { CliAdapter } from '../../lib/providers/adapter.js'
import { createAgent } from '../../lib/providers/agent.js'
import type { PassOn } from '../../lib/providers/process/process-runner.js'
import type { OutputFormat } from '../../lib/providers/format.js'
import { knownFormats } from '../../lib/providers/formats.js'
import { createRecognisingAdapter, recogniseCommand } from '../../lib/providers/recognise.js'
import { openTimeline, type InvocationMeta, type Timeline } from '../../lib/open-timeline.js'
import { clearTimeout, setTimeout } from '../../lib/time/timers.js'

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
  /** It speaks the Agent Client Protocol: what it says is passed on, its exit code means nothing. */
  readonly acp?: {
    /** Default: what comes in on the stdin of this process. */
    readonly prompt?: string
    readonly authMethod?: string
  }
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
  const options = { command: program, args: () => args, finishGraceMs: Infinity }
  const warn = (message: string): void => { logger.warn({}, message) }
  const agent = command.acp === undefined
    ? createAgent(createRecognisingAdapter(words, formats), options, { passOn: command.passOn, warn })
    : createAgent(acpAdapter(command, command.acp), options, { warn })
  const prompt = command.acp === undefined ? '' : command.acp.prompt ?? await text(process.stdin)
  const { timeout, silenceTimeout } = command
  const limits = { ...(timeout !== undefined && { timeout }), ...(silenceTimeout !== undefined && { silenceTimeout }) }
  const invoke = async (options: InvokeOptions): Promise<InvocationResult> => await agent.invoke(prompt, {
    ...limits, ...options, ...(command.acp !== undefined && { onActivity: sayAloud(command, options) })
  })

  const timeline = await openInTime(command)
  const provider = meta.provider ?? recogniseCommand(words, formats)?.name ?? program.replace(/^.*\//, '')
  try {
    const result = timeline === undefined
      ? await invoke({ signal: command.signal })
      : await timeline.logInvocation(
        { ...meta, provider, prompt: command.acp === undefined ? words.map(quoted).join(' ') : prompt, signal: command.signal },
        async ({ onActivity, onProcess, signal }) => await invoke({ onActivity, onProcess, signal })
      )
    if (result.timedOut) logger.warn({}, String(result.error))
    if (command.acp !== undefined) return endOfTurn(result, command)
    return result.signal === null ? result.exitCode ?? 1 : result.signal as NodeJS.Signals
  } catch (err) {
    if (!isTimelineError(err)) throw err
    logger.error({ err }, err.code)
    return err.code === 'AGENT_TIMELINE_COMMAND_NOT_FOUND' ? NOT_FOUND : NOT_EXECUTABLE
  } finally {
    await timeline?.close()
  }
}

function acpAdapter ({ passOn }: RecordedCommand, { authMethod }: NonNullable<RecordedCommand['acp']>): CliAdapter<AcpState> {
  return {
    ...createAcpAdapter(authMethod === undefined ? {} : { authMethod }),
    errorLine (line) { passOn('stderr', Buffer.from(`${line.text}\n`)).catch(() => {}) }
  }
}

/** An agent prints its protocol: what it says in it is what a person wants to read. */
function sayAloud ({ passOn }: RecordedCommand, { onActivity }: InvokeOptions): OnActivity {
  return (activity) => {
    onActivity?.(activity)
    if (activity.type === 'output') passOn('stdout', Buffer.from(activity.message)).catch(() => {})
  }
}

function endOfTurn (result: InvocationResult, { signal, logger }: RecordedCommand): Exit {
  if (result.success) return 0
  if (signal.aborted && typeof signal.reason === 'string') return signal.reason as NodeJS.Signals
  if (!result.timedOut) logger.warn({}, String(result.error))
  return 1
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
