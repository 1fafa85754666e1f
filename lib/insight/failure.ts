import type { FirstError } from '../model/activity-facts.js'
import type { Failure, FailureClass, FailureCode, OpenTool } from '../model/failure.js'
import { toPlainLine } from '../text/plain-text.js'
import { parseTime } from '../time/clock.js'
import { FAILURE_CATALOGUE } from './failure-catalogue.js'
import { firstErrorOf } from './first-error.js'
import { failingCall, type FailedCall } from './failing-call.js'
import type { ErrorRow, FailureEvidence, OpenCall, WaitRow } from './failure-evidence.js'
import { API_REASONS, ENDING_REASONS, EXIT_CODES, markOf, reasonWord, SIGNALS, type FailureMark } from './failure-marks.js'
import { MESSAGE_RULES, type MessageRule } from './failure-rules.js'
import { resetTimeOf } from './reset-time.js'

export type { ErrorRow, FailedCall, FailureEvidence, OpenCall, WaitRow }

/** What was found, and where. */
interface Cause {
  readonly code: FailureCode
  readonly rule: string
  readonly class?: FailureClass | undefined
  readonly retryable?: boolean | undefined
  readonly isVague?: boolean | undefined
  /** The words of the cause. */
  readonly said?: string | undefined
  readonly firstError?: Failure['firstError']
  readonly attempts?: number
}

/** Longer texts tell what happened at their beginning or their end. */
const MAX_TEXT = 8_192
const MAX_ROW_TEXT = 2_048
/** After an error that ends a run so many rows may come: what it used, what could not be ended. */
const ROWS_AT_END = 5
/** So many of the last error rows are read. */
const MAX_ROWS = 20
const MAX_SAID = 300

/**
 * Why a run failed, by the first cause that its evidence tells of.
 *
 * What ended it comes first (cancelled, lost, limits of turns and budget); then what the program said last, unless that
 * followed from an error before; then how its process ended; then the calls that failed and were not mended. Of a run
 * that ran out of time while it waited for something, the wait is the cause. Where nothing fits, the code is `unknown`
 * or `no_result`.
 *
 * @returns undefined for a run that neither failed nor ran out of time
 */
export function explainFailure (evidence: FailureEvidence): Failure | undefined {
  if (evidence.status !== 'failed' && evidence.status !== 'timeout') return undefined
  const endedAt = parseTime(evidence.endedAt) ?? 0
  const cause = causeOf(evidence)
  const { title, class: kind, retryable } = FAILURE_CATALOGUE[cause.code]
  const openTool = openToolOf(evidence, endedAt)
  const resetAt = RESETS.has(cause.code) ? resetOf(evidence, cause, endedAt) : undefined
  const attempts = evidence.attempts ?? cause.attempts
  return {
    summary: summaryOf(title, cause, openTool),
    code: cause.code,
    class: cause.class ?? kind,
    rule: cause.rule,
    retryable: cause.retryable ?? retryable,
    ...(resetAt !== undefined && { resetAt }),
    ...(cause.firstError !== undefined && { firstError: cause.firstError }),
    ...(openTool !== undefined && { openTool }),
    ...(isText(evidence.lastWord) && { lastWord: evidence.lastWord }),
    ...(attempts !== undefined && { attempts }),
    exitCode: evidence.exitCode ?? null,
    signal: evidence.signal ?? null,
    stderrTail: isText(evidence.stderrTail) ? evidence.stderrTail : null
  }
}

function causeOf (evidence: FailureEvidence): Cause {
  const provider = evidence.provider.toLowerCase()
  const word = reasonWord(evidence.reason ?? undefined)
  const isTimeout = evidence.status === 'timeout' || word === 'timeout' || word === 'silence'
  const ending = markOf(ENDING_REASONS, word, provider)
  if (ending !== undefined) return ofMark(ending, evidence)
  if (isTimeout) return outOfTime(evidence, word)
  const said = saidCause(evidence)
  // A program that runs tests by itself ends with how many failed; which one stands above it.
  if (said?.rule === 'test-report' && said.firstError === undefined) return printedCause(evidence, word) ?? said
  if (said !== undefined && said.isVague !== true) return said
  const wait = waitCause(evidence)
  // `api_error` is said of everything that the API answers.
  const api = markOf(API_REASONS, word, provider)
  if (api !== undefined) return api.name === 'reason-api' && wait !== undefined ? wait : ofMark(api, evidence)
  const process = processCause(evidence, provider)
  if (process !== undefined && !STATES_LITTLE.has(process.code)) return process
  const call = callCause(evidence)
  // Who was asked has answered: no.
  if (call?.code === 'permission_denied' && wait?.code === 'deferred') return call
  return wait ?? call ?? process ?? printedCause(evidence, word) ?? said ?? nothing(evidence, word)
}

/** What a program without a format printed last: its words are the run's own, and no model's. */
function printedCause (
  { lastWord, printed = [], stderrTail }: FailureEvidence, word: string | undefined
): Cause | undefined {
  if (word !== 'exit_code') return undefined
  const text = printed.length > 0 ? printed.map(({ message }) => message).join('\n') : lastWord ?? ''
  const first = firstErrorOf(`${text}\n${stderrTail ?? ''}`)
  const row = first && printed.find(({ message }) => message.includes(first.message.slice(-MAX_FOUND)))
  const found = row === undefined ? {} : { firstError: { seq: row.seq, ...first as FirstError } }
  for (const line of clean(text).split('\n').reverse()) {
    const rule = ruleOf(line.trim())
    if (rule?.code === 'out_of_memory') return ofRule(rule, line.trim())
    if (rule?.code === 'tests_failed') return { ...ofRule(rule, first?.message ?? line.trim()), ...found }
  }
  // A place in the code is what compilers and linters print.
  if (first?.location === undefined) return undefined
  return { code: 'command_failed', rule: 'printed-error', said: first.message, ...found }
}

/** Of a message that may have got the name of its test in front, so much of its end is looked for. */
const MAX_FOUND = 40

/** Ends that may have come from anything: a call that failed says more. */
const STATES_LITTLE: ReadonlySet<FailureCode> = new Set(['cli_missing'])
const RESETS: ReadonlySet<FailureCode> = new Set(['usage_limit', 'rate_limit', 'overloaded'])

function ofMark (mark: FailureMark, evidence: FailureEvidence): Cause
function ofMark (mark: FailureMark | undefined, evidence: FailureEvidence): Cause | undefined
function ofMark (mark: FailureMark | undefined, evidence: FailureEvidence): Cause | undefined {
  if (mark === undefined) return undefined
  const row = evidence.errors.at(-1)
  const said = evidence.error ?? row?.message
  return { ...ofProcess(mark, said), ...(row !== undefined && { firstError: errorOf(row) }) }
}

function ofProcess ({ code, name, class: kind, retryable }: FailureMark, said: string | undefined): Cause {
  return { code, rule: name, class: kind, retryable, said }
}

/** It ran out of time, or was silent too long: what it waited for at last is the cause, else that. */
function outOfTime (evidence: FailureEvidence, word: string | undefined): Cause {
  const finished = ruleOf(evidence.error ?? '')
  if (finished?.code === 'finished_not_exited') return ofRule(finished, clean(evidence.error))
  const wait = waitCause(evidence)
  if (wait !== undefined) return wait
  const code = word === 'silence' ? 'silence' : 'timeout'
  return { code, rule: `reason-${code}`, said: evidence.error ?? undefined }
}

/** Of what the program said: its end first; where that followed from something, the error before it. */
function saidCause (evidence: FailureEvidence): Cause | undefined {
  const error = clean(evidence.error)
  const since = (evidence.lastActivitySeq ?? 0) - ROWS_AT_END
  const errors = evidence.errors.slice(-MAX_ROWS).filter(({ seq, message }) => seq > since || clean(message) === error)
  let rest: Cause | undefined
  for (const found of candidates()) {
    // A stack trace is how a program dies of something, and that is mostly said beside it.
    if (found.isVague !== true && found.rule !== 'crash') return found
    if (rest === undefined || (rest.isVague === true && found.isVague !== true)) rest = found
  }
  return rest

  /** Of a stack trace, any line says that it is one; the error stands in another. */
  function ofTrace ({ name }: MessageRule, line: string): string {
    const trace = name === 'crash' && clean(evidence.stderrTail).includes(line) ? evidence.stderrTail : undefined
    return isText(trace) ? firstErrorOf(trace)?.message ?? line : line
  }

  function * candidates (): Generator<Cause> {
    const last = ruleOf(error)
    if (last !== undefined) yield ofRule(last, ofTrace(last, error), rowOf(errors, error, last))
    for (const row of [...errors].reverse()) {
      const rule = ruleOf(clean(row.message, MAX_ROW_TEXT)) ?? ruleOf(statusOf(row))
      if (rule !== undefined) yield ofRule(rule, row.message, rowOf(errors, row.message, rule) ?? row)
    }
    for (const line of clean(evidence.stderrTail).split('\n').reverse()) {
      const rule = ruleOf(line.trim())
      if (rule === undefined || !TAIL_CODES.has(rule.code)) continue
      yield ofRule(rule, ofTrace(rule, line.trim()))
    }
  }
}

/** Programs log much on stderr that is not why they ended; these are. */
const TAIL_CODES: ReadonlySet<FailureCode> = new Set([
  'out_of_memory', 'usage_limit', 'rate_limit', 'overloaded', 'authentication', 'billing', 'context_overflow',
  'max_turns', 'budget', 'cli_missing', 'cli_crashed', 'network', 'permission_denied', 'api_error', 'tests_failed', 'cancelled'
])

function statusOf ({ metadata }: ErrorRow): string {
  return typeof metadata?.status === 'number' ? `status ${metadata.status}` : ''
}

function ruleOf (text: string): MessageRule | undefined {
  if (text === '') return undefined
  const fits = ({ pattern, unless }: MessageRule): boolean => pattern.test(text) && unless?.test(text) !== true
  return MESSAGE_RULES.find((rule) => rule.isVague !== true && fits(rule)) ?? MESSAGE_RULES.find(fits)
}

function ofRule (rule: MessageRule, said: string, row?: ErrorRow): Cause {
  const { code, name, class: kind, retryable, isVague } = rule
  const firstError = row === undefined ? {} : { firstError: errorOf(row) }
  return { code, rule: name, class: kind, retryable, isVague, said, ...firstError }
}

/** The first of the rows that tell of the same; the trouble began there. */
function rowOf (errors: readonly ErrorRow[], said: string, rule: MessageRule): ErrorRow | undefined {
  const rows = [...errors].sort((a, b) => a.seq - b.seq)
  const exact = rows.find(({ message }) => message === said || clean(message) === said)
  return rows.find((row) => ruleOf(clean(row.message, MAX_ROW_TEXT))?.code === rule.code) ?? exact
}

function errorOf ({ seq, message }: ErrorRow): NonNullable<Failure['firstError']> {
  return { seq, message: toPlainLine(message, MAX_SAID) }
}

/** What the agent waited for when it ended: only a wait after which it did nothing else. */
function waitCause ({ waits, failedCalls, openCalls, lastActivitySeq }: FailureEvidence): Cause | undefined {
  const after = Math.max(lastActivitySeq ?? 0, ...[...failedCalls, ...openCalls].map(({ seq }) => seq))
  const recent = [...waits].sort((a, b) => a.seq - b.seq)
  const last = recent.at(-1)
  if (last === undefined) return undefined
  if (last.seq <= after) return undefined
  const first = recent.find(({ seq, waitKind }) => seq > after && waitKind === last.waitKind) ?? last
  const firstError = { seq: first.seq, message: toPlainLine(first.message, MAX_SAID) }
  const code = WAIT_CODES[last.waitKind ?? ''] ?? ruleOf(`${last.message}\n${last.what ?? ''}`)?.code
  if (code === undefined) return undefined
  return { code, rule: `wait-${last.waitKind ?? 'other'}`, said: last.message, firstError }
}

const WAIT_CODES: Readonly<Record<string, FailureCode>> = {
  person: 'deferred', rate_limit: 'rate_limit', usage_limit: 'usage_limit', network: 'network'
}

function callCause ({ failedCalls }: FailureEvidence): Cause | undefined {
  const cause = failingCall(failedCalls)
  if (cause === undefined) return undefined
  const { call, attempts, ...judged } = cause
  const { seq, callId, firstError, message } = call
  const said = firstError?.message ?? message
  const location = firstError?.location
  const words = said === message ? message : `${message.replace(/^exec: /, '')}: ${said}`
  const found = { seq, callId, message: said, ...(location !== undefined && { location }) }
  return { ...judged, said: words, attempts, firstError: found }
}

function processCause (evidence: FailureEvidence, provider: string): Cause | undefined {
  const { signal, exitCode, error } = evidence
  const mark = markOf(SIGNALS, signal, provider) ?? markOf(EXIT_CODES, exitCode, provider)
  return mark && ofProcess(mark, error ?? undefined)
}

/** The words are known, what they mean is not. */
function nothing (evidence: FailureEvidence, word: string | undefined): Cause {
  const row = evidence.errors.at(-1)
  const said = clean(evidence.error) || clean(row?.message) || clean(evidence.stderrTail).split('\n').at(-1)
  const isSilent = word === 'no_result' && (said === undefined || said === '')
  // Its exit code is all that there is.
  const isMute = word === 'exit_code' && row === undefined && !isText(evidence.lastWord) &&
    !isText(evidence.stderrTail) && evidence.failedCalls.length === 0
  const known = { said, ...(row !== undefined && { firstError: errorOf(row) }) }
  return isSilent || isMute ? { code: 'no_result', rule: 'reason-no-result', ...known } : { code: 'unknown', rule: 'none', ...known }
}

/** The latest that was said of it: by the cause itself, or by the rows of the same trouble. */
function resetOf (evidence: FailureEvidence, { said, code }: Cause, endedAt: number): string | undefined {
  const { errors, waits, stderrTail, error, timeZone = Intl.DateTimeFormat().resolvedOptions().timeZone } = evidence
  const rows = errors.map(({ message, metadata }) => `${message}\n${JSON.stringify(metadata ?? {})}`)
  const texts = [error, said, ...rows.reverse(), stderrTail]
  for (const text of texts) {
    const found = isText(text) ? resetTimeOf(clean(text), endedAt, timeZone) : undefined
    if (found !== undefined) return found
  }
  const until = code === 'usage_limit' ? parseTime(waits.findLast(({ waitKind }) => waitKind === 'usage_limit')?.until) : undefined
  return until !== undefined && until > endedAt ? new Date(until).toISOString() : undefined
}

function openToolOf ({ openCalls }: FailureEvidence, endedAt: number): OpenTool | undefined {
  const own = openCalls.filter(({ parentCallId }) => parentCallId === undefined || parentCallId === null)
  const [oldest] = [...(own.length > 0 ? own : openCalls)].sort((a, b) => a.seq - b.seq)
  if (oldest === undefined) return undefined
  const { seq, callId, name, message, startedAt } = oldest
  return { seq, callId, name, message, elapsedMs: Math.max(0, endedAt - (parseTime(startedAt) ?? endedAt)) }
}

function summaryOf (title: string, { said, code, firstError }: Cause, openTool: OpenTool | undefined): string {
  const words = toPlainLine(clean(said ?? firstError?.message), MAX_SAID)
  const place = firstError?.location
  const where = place === undefined ? '' : ` (${place.file}${place.line === undefined ? '' : `:${place.line}`})`
  const isCut = openTool !== undefined && ENDED_FROM_OUTSIDE.has(code)
  const during = isCut ? `, during ${toPlainLine(openTool.message.replace(/^exec: /, ''), 120)}` : ''
  return words === '' ? `${title}${during}.` : `${title}${during}: ${words}${where}`
}

const ENDED_FROM_OUTSIDE: ReadonlySet<FailureCode> = new Set([
  'timeout', 'silence', 'killed', 'runner_lost', 'cancelled', 'out_of_memory', 'cli_crashed'
])

/** Without colours, and with plain apostrophes. */
function clean (text: string | null | undefined, maxChars = MAX_TEXT): string {
  if (text === undefined || text === null) return ''
  const whole = text.length <= maxChars ? text : `${text.slice(0, maxChars / 2)}\n${text.slice(-maxChars / 2)}`
  // eslint-disable-next-line no-control-regex -- colours
  return whole.replace(/\u001b\[[\d;:?]*[A-Za-z]/g, '').replace(/[\u2018\u2019]/g, "'").trim()
}

function isText (value: string | null | undefined): value is string {
  return typeof value === 'string' && value !== ''
}
