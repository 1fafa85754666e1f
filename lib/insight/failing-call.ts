import type { ToolKind } from '../model/activity.js'
import type { FailureClass, FailureCode } from '../model/failure.js'
import { MESSAGE_RULES } from './failure-rules.js'
import type { FirstError } from '../model/activity-facts.js'

/** A call that ended with the status `error` or `denied`. */
export interface FailedCall {
  readonly seq: number
  readonly callId: string
  readonly name: string
  readonly kind: ToolKind
  /** One line: `exec: npm test`. */
  readonly message: string
  /** Its programs, `npm test`; null for what is no command. */
  readonly chain: string | null
  readonly status: 'error' | 'denied' | (string & {})
  readonly exitCode?: number | null | undefined
  readonly firstError?: FirstError | undefined
  readonly endedAt?: string | number | undefined
  /** The same call, or the same chain of programs, succeeded afterwards. */
  readonly wasMended: boolean
}

/** What a failing call makes of the run. */
export interface CallCause {
  readonly call: FailedCall
  readonly code: FailureCode
  readonly rule: string
  readonly class?: FailureClass
  readonly retryable?: boolean
  /** How often the step failed. */
  readonly attempts: number
}

/** To look for something that is not there is no failure. */
const LOOKS = /^(?:ls|cat|head|tail|grep|egrep|rg|ag|find|fd|test|\[|which|type|command|whereis|diff|cmp|stat|file|wc|pgrep|lsof|ps|kill|pkill|jq|sed|awk|tree|du|df|readlink|realpath|git (?:diff|status|log|show|grep|rev-parse|ls-files|branch|config|check-ignore|remote)|npm (?:ls|outdated|view|why)|curl)(?: \+ |$| )/
/** What others build upon: if it fails, they fail because of it. */
const GROUND = /\b(?:(?:npm|pnpm|yarn|bun|pip3?|uv|poetry|gem|bundle|composer|cargo|conda|brew|apt|apt-get|dnf|apk) (?:i|ci|install|add|sync|update|fetch|restore)|go (?:get|mod)|dotnet restore|npx playwright install|docker|docker-compose|git (?:clone|fetch|pull|checkout|push|submodule)|make|cmake|terraform|kubectl|prisma|alembic|rails db)/
const COMMANDS: ReadonlySet<ToolKind> = new Set(['shell', 'build', 'test'])

/** Rules for messages that hold for what a command printed, too; a program that is missing there is no missing CLI. */
const OF_COMMANDS: ReadonlySet<FailureCode> = new Set(['out_of_memory', 'network', 'authentication', 'rate_limit', 'permission_denied'])

/**
 * The call that is to blame, of those that failed and were not mended: the first of what other steps build upon, else
 * the last that tests or builds, else the last.
 */
export function failingCall (failed: readonly FailedCall[]): CallCause | undefined {
  const open = failed.filter(isFailure).sort((a, b) => a.seq - b.seq)
  const ground = open.find((call) => call.status === 'denied' || isGround(call))
  const checks = open.filter(({ kind }) => kind === 'test' || kind === 'build')
  // Tests that do not build fail because of it.
  const check = checks.find(({ kind }) => kind === 'build') ?? checks.at(-1)
  const call = ground ?? check ?? open.findLast(({ kind }) => COMMANDS.has(kind)) ?? open.at(-1)
  if (call === undefined) return undefined
  const same = open.filter((other) => stepOf(other) === stepOf(call))
  const latest = same.at(-1) ?? call
  return { call: latest, ...judgeCall(latest), attempts: same.length }
}

function stepOf ({ chain, name, message, status }: FailedCall): string {
  return `${status} ${chain ?? `${name} ${message}`}`
}

function isFailure ({ wasMended, status, kind, chain, message, exitCode, firstError }: FailedCall): boolean {
  if (wasMended) return false
  if (status === 'denied') return true
  if (status !== 'error') return false
  if (kind === 'read' || kind === 'search' || kind === 'web' || kind === 'person' || kind === 'plan') return false
  if (!COMMANDS.has(kind)) return true
  const command = chain ?? message.replace(/^exec: /, '')
  return kind !== 'shell' || !LOOKS.test(command) || (exitCode ?? 1) > 2 || isHard(firstError?.message)
}

function isGround (call: FailedCall): boolean {
  return (call.kind === 'shell' || call.kind === 'build') && (GROUND.test(call.chain ?? call.message) || isHard(call.firstError?.message))
}

function isHard (message: string | undefined): boolean {
  return message !== undefined && /\b(?:ENOSPC|EDQUOT|ENOMEM)\b|no space left|out of memory|read-only file system/i.test(message)
}

function judgeCall (call: FailedCall): Pick<CallCause, 'code' | 'rule' | 'class' | 'retryable'> {
  if (call.status === 'denied') return { code: 'permission_denied', rule: 'call-denied' }
  const said = call.firstError?.message ?? ''
  const rule = MESSAGE_RULES.find(({ pattern, unless }) => pattern.test(said) && unless?.test(said) !== true)
  if (rule?.name === 'disk-full') return { code: 'command_failed', rule: 'call-disk-full', class: 'host', retryable: false }
  if (rule?.code === 'out_of_memory' || (call.exitCode === 137 && /^killed/i.test(said))) return { code: 'out_of_memory', rule: 'call-out-of-memory' }
  if (call.kind === 'test' && !isMissing(call)) return { code: 'tests_failed', rule: 'call-tests' }
  if (isMissing(call)) return { code: 'command_failed', rule: 'call-command-missing', class: 'host' }
  if (rule !== undefined && OF_COMMANDS.has(rule.code)) {
    const { code, class: kind, retryable } = rule
    return { code, rule: `call-${rule.name}`, ...(kind !== undefined && { class: kind }), ...(retryable !== undefined && { retryable }) }
  }
  return { code: 'command_failed', rule: call.kind === 'build' ? 'call-build' : 'call-failed' }
}

function isMissing ({ exitCode, firstError }: FailedCall): boolean {
  return exitCode === 127 || exitCode === 9009 || /command not found|^\S*sh: (?:line )?\d+: \S+: not found|is not recognized as/i.test(firstError?.message ?? '')
}
