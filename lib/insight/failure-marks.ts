import type { FailureClass, FailureCode } from '../model/failure.js'

/** A mark that says what happened by itself: a reason, an exit code, a signal. */
export interface FailureMark {
  readonly name: string
  readonly code: FailureCode
  /** The values, as they are compared. */
  readonly values: ReadonlyArray<string | number>
  /** Only of these programs; of all by default. */
  readonly providers?: readonly string[]
  readonly class?: FailureClass
  readonly retryable?: boolean
}

/** Reasons that say why the run was ended; no message is more exact. */
export const ENDING_REASONS: readonly FailureMark[] = [
  { name: 'reason-aborted', code: 'cancelled', values: ['aborted', 'abort', 'aborterror', 'cancelled', 'canceled', 'interrupted', 'aborted_tools', 'aborted_streaming', 'user_cancelled', 'user_canceled', 'user_abort', 'turn_aborted', 'messageabortederror', 'fatalcancellationerror', 'abort_err'] },
  { name: 'reason-lost', code: 'runner_lost', values: ['lost', 'runner_lost', 'closed', 'orphaned'] },
  { name: 'reason-not-exited', code: 'finished_not_exited', values: ['finished_not_exited'] },
  { name: 'reason-deferred', code: 'deferred', values: ['deferred', 'tool_deferred', 'input_required', 'approval_required'] },
  { name: 'reason-turns', code: 'max_turns', values: ['max_turns', 'max_turn_requests', 'max_iterations', 'max_steps', 'fatalturnlimitederror', 'mistake_limit', 'max_consecutive_mistakes', 'turn_limit', 'max_session_turns'] },
  { name: 'reason-budget', code: 'budget', values: ['max_budget_usd', 'max_budget', 'budget', 'budget_exceeded', 'cost_limit', 'max_cost'] },
  { name: 'reason-too-long', code: 'context_overflow', values: ['prompt_too_long', 'context_length_exceeded', 'context_window_exceeded', 'contextoverflowerror', 'context_overflow', 'max_output_tokens', 'max_tokens', 'length', 'messageoutputlengtherror', 'request_too_large', 'agent_timeline_prompt_too_long', 'compaction_failed'] },
  { name: 'reason-refused', code: 'api_error', class: 'agent', retryable: false, values: ['refusal', 'content_filter', 'safety', 'prohibited_content', 'content_policy_violation'] },
  { name: 'reason-not-startable', code: 'cli_missing', values: ['agent_timeline_command_not_found', 'agent_timeline_cwd_not_found', 'agent_timeline_command_not_executable', 'agent_timeline_command_too_old', 'agent_timeline_spawn_failed', 'agent_timeline_acp_sdk_missing', 'spawn', 'fatalsandboxerror', 'fatalconfigerror'] },
  { name: 'reason-sign-in', code: 'authentication', values: ['agent_timeline_sign_in_needed', 'auth_required'] }
]

/** Reasons that name a kind of answer of the API; its message may be more exact, and is then believed. */
export const API_REASONS: readonly FailureMark[] = [
  { name: 'reason-authentication', code: 'authentication', values: ['authentication_failed', 'authentication_error', 'authentication', 'auth', 'auth_error', 'invalid_api_key', 'permission_error', 'unauthenticated', 'unauthorized', 'oauth_org_not_allowed', 'providerautherror', 'fatalauthenticationerror', 'forbidden'] },
  { name: 'reason-billing', code: 'billing', values: ['billing_error', 'billing', 'insufficient_quota', 'insufficient_credits', 'insufficient_balance', 'payment_required', 'creditserror', 'credits_exhausted'] },
  { name: 'reason-usage-limit', code: 'usage_limit', values: ['usage_limit', 'usage_limit_reached', 'usage_limit_exceeded', 'quota', 'quota_exceeded', 'terminalquotaerror', 'freeusagelimiterror'] },
  { name: 'reason-rate-limit', code: 'rate_limit', values: ['rate_limit', 'rate_limit_error', 'rate_limit_exceeded', 'rate_limited', 'ratelimit', 'too_many_requests', 'resource_exhausted', 'retryablequotaerror', 'throttlingexception'] },
  { name: 'reason-overloaded', code: 'overloaded', values: ['overloaded', 'overloaded_error', 'server_overloaded', 'server_is_overloaded', 'unavailable', 'service_unavailable', 'engine_overloaded_error'] },
  { name: 'reason-network', code: 'network', values: ['network', 'network_error', 'connection_error', 'connection_failed', 'econnrefused', 'econnreset', 'econnaborted', 'enotfound', 'etimedout', 'eai_again', 'enetunreach', 'ehostunreach', 'epipe', 'err_socket_closed', 'und_err_connect_timeout', 'und_err_socket', 'und_err_headers_timeout', 'und_err_body_timeout'] },
  { name: 'reason-not-allowed', code: 'permission_denied', values: ['permission_denied', 'eacces', 'eperm', 'erofs', 'sandbox_denied', 'denied', 'fataluntrustedworkspaceerror'] },
  { name: 'reason-memory', code: 'out_of_memory', values: ['out_of_memory', 'oom', 'enomem', 'oomkilled', 'err_worker_out_of_memory'] },
  { name: 'reason-disk-full', code: 'cli_crashed', class: 'host', retryable: false, values: ['enospc', 'edquot'] },
  { name: 'reason-request', code: 'api_error', class: 'needs-person', retryable: false, values: ['invalid_request', 'invalid_request_error', 'model_not_found', 'not_found_error', 'invalid_argument', 'unknownmodel'] },
  { name: 'reason-api', code: 'api_error', values: ['api_error', 'server_error', 'apierror', 'internal_server_error', 'internal', 'api', 'model_error', 'query', 'timeout_error'] }
]

/** What the status of the process says. */
export const EXIT_CODES: readonly FailureMark[] = [
  { name: 'gemini-exit-authentication', code: 'authentication', values: [41, 145, 147], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-rate-limit', code: 'rate_limit', values: [173], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-overloaded', code: 'overloaded', values: [247], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-api', code: 'api_error', values: [244, 246, 248], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-request', code: 'api_error', class: 'needs-person', retryable: false, values: [144, 148], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-turns', code: 'max_turns', values: [53], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-untrusted', code: 'permission_denied', values: [55], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-start', code: 'cli_missing', values: [44, 52], providers: ['gemini', 'qwen'] },
  { name: 'gemini-exit-tool', code: 'command_failed', values: [54], providers: ['gemini', 'qwen'] },
  { name: 'exit-not-found', code: 'cli_missing', values: [127, 9009] },
  { name: 'exit-not-executable', code: 'cli_missing', values: [126] },
  { name: 'exit-interrupted', code: 'cancelled', values: [130, 0xC000013A, -1073741510] },
  { name: 'exit-timeout', code: 'timeout', values: [124] },
  { name: 'exit-killed', code: 'killed', values: [137, 143, 129, 0x40010004] },
  { name: 'exit-crashed', code: 'cli_crashed', values: [139, 134, 132, 133, 135, 136, 159, 0xC0000005, -1073741819, 0xC0000409, -1073740791, 0xC00000FD, -1073741571, 0xC0000374, -1073740940, 0xC000001D, -1073741795, 0xC0000142, -1073741502, 0xC0000096, -1073741674, 0xC0000094, -1073741676, 0x80000003, -2147483645, 0xE06D7363, -529697949, 0xE0434352, -532462766] },
  { name: 'exit-memory', code: 'out_of_memory', values: [0xC0000017, -1073741801, 0xC000012D, -1073741523] },
  { name: 'exit-library-missing', code: 'cli_missing', values: [0xC0000135, -1073741515, 0xC000007B, -1073741701, 0xC0000139, -1073741511] }
]

export const SIGNALS: readonly FailureMark[] = [
  { name: 'signal-killed', code: 'killed', values: ['SIGKILL', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGPWR', 'SIGXCPU', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGSTOP'] },
  { name: 'signal-interrupted', code: 'cancelled', values: ['SIGINT', 'SIGBREAK'] },
  { name: 'signal-crashed', code: 'cli_crashed', values: ['SIGSEGV', 'SIGABRT', 'SIGBUS', 'SIGILL', 'SIGFPE', 'SIGTRAP', 'SIGSYS', 'SIGIOT'] },
  { name: 'signal-pipe', code: 'cli_crashed', values: ['SIGPIPE'] }
]

/** The first mark that has the value. */
export function markOf (
  marks: readonly FailureMark[], value: string | number | null | undefined, provider: string
): FailureMark | undefined {
  if (value === null || value === undefined) return undefined
  const isOf = (providers: readonly string[] | undefined): boolean =>
    providers === undefined || providers.some((name) => provider.includes(name))
  return marks.find(({ values, providers }) => values.includes(value) && isOf(providers))
}

/** A reason as it is compared: of `error_max_turns` and `max-turns` the same. */
export function reasonWord (reason: string | undefined): string | undefined {
  const word = reason?.trim().toLowerCase()
  if (word === undefined || word === '') return undefined
  return word.replaceAll('-', '_').replace(/^error_/, '')
}
