import type { FailureClass, FailureCode } from '../model/failure.js'

/** What a message says, whoever said it. */
export interface MessageRule {
  readonly name: string
  readonly code: FailureCode
  readonly pattern: RegExp
  /** Not, where this is found too. */
  readonly unless?: RegExp
  /** Such a message is often what followed from another: one of a rule without this counts more. */
  readonly isVague?: boolean
  readonly class?: FailureClass
  readonly retryable?: boolean
  /** A message as it is really printed; the documentation shows it. */
  readonly example: string
}

/** How the status of an answer goes on, where nothing before it says that it is one. */
const PHRASES = [
  'unauthorized', 'forbidden', 'payment', 'proxy auth', 'too many', 'service', 'internal', 'bad', 'gateway', 'overloaded',
  'not found', 'status', 'incorrect', 'invalid', 'error', 'the request', String.raw`\{`, '"', '-'
].join('|')

/** A status of HTTP, where the words around say that it is one. */
function status (codes: string): string {
  const named = String.raw`(?:status(?:[ _-]?code)?|HTTP(?:\/[\d.]+)?|error|code|\bE|returned|response)["']?\W{0,4}(?:${codes})\b`
  const first = String.raw`^\W*(?:${codes})\b(?! ?(?:files?|lines?|tests?|ms|s|of)\b)`
  return String.raw`(?:${named}|${first}|\((?:${codes})\)|(?<!lines?)[:\s](?:${codes})(?::|\s+(?:${PHRASES})))`
}

const any = (...parts: string[]): RegExp => new RegExp(parts.join('|'), 'im')

/** Names of systems calls' errors, and their words, for a network that fails. */
const NETWORK = [
  String.raw`\b(?:ECONNREFUSED|ECONNRESET|ECONNABORTED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN|EAI_FAIL|ENETUNREACH|ENETDOWN|EHOSTUNREACH|EHOSTDOWN|ESOCKETTIMEDOUT|ERR_SOCKET_TIMEOUT|UND_ERR_\w+|ERR_NETWORK\w*|FailedToOpenSocket|ConnectionRefused)\b`,
  'could not resolve host', 'name or service not known', 'temporary failure in name resolution', 'nodename nor servname',
  'no such host', 'getaddrinfo', 'network is unreachable', 'no route to host', 'dns error', 'failed to lookup address',
  String.raw`connection (?:was )?(?:refused|reset|closed|aborted|timed out|error|failed|lost|dropped)`, String.raw`connection to .{1,80} (?:was )?refused`, 'failed to connect', 'unable to connect',
  "couldn't connect", 'could not connect', 'cannot connect to', 'connect timeout', 'connectionerror', 'newconnectionerror', 'maxretryerror',
  'socket hang up', 'fetch failed', 'network error', 'network (?:socket )?(?:disconnected|failure|timeout)', 'request to \\S+ failed',
  'error sending request', 'stream disconnected', 'stream (?:was )?closed before', 'error decoding response body', 'waiting for network', 'premature close',
  'unexpected eof while', 'early eof', 'remote end hung up', 'rpc failed', 'i/o timeout', 'tls handshake timeout', 'tcp connect error',
  'request timed out', 'request timeout', 'read timed out', 'readtimeout', 'connecttimeout', 'deadline[ _]exceeded', 'timeout awaiting', String.raw`\[API Error: terminated\]`, '^terminated$',
  'no internet', 'you are offline', 'proxy (?:connection|error)', 'tunneling socket', 'incomplete read', 'broken pipe', 'apiconnection(?:timeout)?error'
]

/**
 * In the order in which they are asked; the first that fits names the code. What is more exact stands before what a
 * message of it has in common with others: a usage limit is a 429 too, and its message may offer to buy credits.
 */
export const MESSAGE_RULES: readonly MessageRule[] = [
  {
    name: 'timeline-closed',
    code: 'runner_lost',
    pattern: any('^The timeline was closed while the agent was running', 'process that ran (?:it|this run|the agent) (?:is gone|has ended|ended)'),
    example: 'The timeline was closed while the agent was running'
  },
  {
    name: 'not-exited',
    code: 'finished_not_exited',
    pattern: any('had finished and said so, but its process did not exit'),
    example: 'The agent had finished and said so, but its process did not exit within its time of 60000 ms and was ended.'
  },
  {
    name: 'out-of-memory',
    code: 'out_of_memory',
    pattern: any(
      'heap out of memory', 'reached heap limit', 'ineffective mark-compacts', String.raw`\bOOM[- ]?Kill(?:ed|er)?\b`, String.raw`\bout of memory\b`,
      'cannot allocate memory', 'bad_alloc', String.raw`^\s*MemoryError\b`, String.raw`memory allocation of \d+ bytes failed`, String.raw`\bOutOfMemory(?:Error|Exception)\b`,
      String.raw`\bENOMEM\b`, 'not enough memory', 'ERR_WORKER_OUT_OF_MEMORY', 'insufficient memory', 'virtual memory exhausted', 'killed signal terminated program', 'std::alloc', 'memory limit exceeded', 'allowed memory size of'
    ),
    example: 'FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory'
  },
  {
    name: 'disk-full',
    code: 'cli_crashed',
    class: 'host',
    retryable: false,
    pattern: any(String.raw`\bENOSPC\b`, 'no space left on device', String.raw`\bEDQUOT\b`, 'disk quota exceeded', 'disk (?:is )?full', 'not enough (?:disk )?space', 'not enough space on the disk', 'database or disk is full'),
    example: 'ENOSPC: no space left on device, write'
  },
  {
    name: 'turns',
    code: 'max_turns',
    pattern: any(
      String.raw`(?:maximum|max|limit) (?:number )?(?:of )?(?:session |agent(?:ic)? |autopilot |model )?(?:turns|iterations|steps|actions|continues|continuations|rounds|cycles|tool calls)\b(?! per)`, String.raw`(?:turn|iteration|step) limit`, 'max[-_ ]?turns',
      'maxSessionTurns', 'max consecutive mistakes', 'maximum consecutive mistakes', String.raw`reached (?:the )?(?:max|limit)\w* .{0,20}\bturns`
    ),
    unless: /per (?:second|minute|hour|day)/i,
    example: 'Reached maximum number of turns (25)'
  },
  {
    name: 'budget',
    code: 'budget',
    pattern: any(String.raw`(?:reached|exceeded|exhausted|over|hit).{0,30}\bbudget\b`, String.raw`\bbudget\b.{0,40}(?:reached|exceeded|exhausted|used up|spent|hit)`, 'max[-_]budget', 'cost limit (?:reached|exceeded)', 'reached (?:the )?(?:cost|spend(?:ing)?) limit of'),
    unless: /thinking[._ ]budget|budget_tokens|token budget/i,
    example: 'Reached maximum budget ($5)'
  },
  {
    name: 'too-long',
    code: 'context_overflow',
    pattern: any(
      'prompt is too long', 'prompt too long', 'prompt is longer than', 'context[_ -]?(?:window|length|size|limit)', 'maximum context', 'ran out of room', 'conversation (?:is )?too long', 'context overflow',
      'input is too long', 'input exceeds the maximum length', 'input length and .?max_tokens', 'piped stdin input exceeds', String.raw`input token count\b.{0,40}exceed`, 'exceeds the maximum number of tokens', 'request_too_large', 'request exceeds the maximum size', 'request too large \\(max',
      String.raw`exceeded the \d+ output token maximum`, 'output token (?:maximum|limit)', 'maximum output tokens', 'too many total text bytes', 'payload size exceeds', status('413'), 'string too long. expected a string with maximum length', 'too many images', '(?:image|pdf|file|document) (?:was |is )?too large', 'exceed(?:s|ed)? (?:the )?(?:model\'?s )?(?:maximum )?(?:input|token|context) limit'
    ),
    unless: /per (?:second|minute|hour|day)/i,
    example: 'prompt is too long: 213462 tokens > 200000 maximum'
  },
  {
    name: 'usage-limit',
    code: 'usage_limit',
    pattern: any(
      'usage limit', String.raw`hit your (?:\w+[ -]){0,2}limit`, String.raw`(?:5[- ]?hour|session|weekly|daily|monthly|opus|sonnet|fable) (?:usage |rate |request )?limit (?:was |has been |is )?(?:reached|exceeded|hit)`, String.raw`limit reached\b.{0,20}\bresets`,
      String.raw`(?:reached|exceeded|exhausted|hit|over) (?:your|the|its|my) (?:\w+ )?(?:daily|weekly|monthly|premium|free|session|5-hour|plan|included)\b.{0,30}(?:limit|quota|allowance|usage|requests?)`,
      'daily quota', 'daily (?:request |free )?limit', 'quota will reset', 'access resets at', 'free (?:allocated )?(?:daily )?quota', 'free usage (?:limit|exceeded)', 'FreeUsageLimit', 'premium request (?:allowance|limit|quota)',
      'out of (?:extra|free|included|your|fast)?\\s?usage\\b', String.raw`quota_exceeded`, 'GenerateRequestsPerDay', 'PerDayPer', String.raw`(?:requests|tokens) per day\b`, String.raw`\((?:RPD|TPD)\)`, 'token usage (?:limit|quota)', 'no quota', 'quota (?:has been |is )?(?:used up|exhausted)', String.raw`exhausted your (?:capacity|quota)`, 'used (?:up )?all (?:of )?your', 'run out of (?:\\w+ )?(?:usage|requests|quota)', 'allowance .{0,20}(?:used up|exhausted|exceeded)'
    ),
    unless: /not your usage limit|please check your plan and billing details(?![\s\S]*(?:per ?day|Please retry in))|token(?:s)? per min|per minute/i,
    example: 'You’ve hit your usage limit. Upgrade to Pro or try again in 3 days 4 hours.'
  },
  {
    name: 'rate-limit-per-minute',
    code: 'rate_limit',
    pattern: any(String.raw`(?:requests|tokens|queries) per (?:min|second|sec)`, String.raw`per minute`, 'PerMinutePer', String.raw`\((?:RPM|TPM|ITPM|OTPM)\)`, 'Please retry in [\\d.]+m?s', String.raw`ai\.google\.dev/gemini-api/docs/rate-limits`, String.raw`exceeded your current quota[\s\S]*RESOURCE_EXHAUSTED`, 'temporarily limiting requests', 'rate[_ -]limit[_ -]exceeded', 'rate_limit_error'),
    example: 'Rate limit reached for gpt-5 in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 4.2s.'
  },
  {
    name: 'no-credit',
    code: 'billing',
    pattern: any(
      'credit balance', 'insufficient[_ ](?:quota|credits?|balance|funds)', 'check your plan and billing', String.raw`\bbilling\b`, 'payment (?:is )?required', 'payment method', status('402'), 'out of credits', 'no credits', 'credits? (?:are |is )?(?:exhausted|depleted|used up)', 'not enough credits', 'add (?:more )?credits', 'run out of credits',
      'subscription (?:has )?(?:expired|lapsed|ended)', 'subscription is (?:required|inactive)', 'no active subscription', 'requires? (?:a |an )?(?:\\w+ )?subscription', 'spend(?:ing)? (?:limit|cap)', 'account (?:is |has been )?(?:suspended|deactivated|not active)', 'prepa(?:id|yment)', 'reload your tokens', 'balance is (?:too low|\\$-)', 'invoice', 'negative balance', String.raw`to use \w+ with your \w+ plan, upgrade`
    ),
    example: 'Credit balance is too low'
  },
  {
    name: 'rate-limit',
    code: 'rate_limit',
    pattern: any(status('429'), 'rate[-_ ]?limit(?!ers?\\b)', 'too many requests', 'toomanyrequests', 'RESOURCE_EXHAUSTED', 'resource has been exhausted', 'throttl(?:ed|ing)', 'quota exceeded for', 'exceeded your current quota', 'slow down', 'number of concurrent (?:requests|connections)', 'too many concurrent'),
    example: 'API Error: Request rejected (429) · Number of requests has exceeded your rate limit'
  },
  {
    name: 'blocked',
    code: 'network',
    class: 'host',
    retryable: false,
    pattern: any('host_not_allowed', 'egress (?:is )?(?:blocked|denied)', 'blocked by (?:the )?(?:network policy|firewall|proxy)', 'x-deny-reason'),
    example: 'Request failed with status code 403 (x-deny-reason: host_not_allowed)'
  },
  {
    name: 'certificate',
    code: 'network',
    class: 'host',
    retryable: false,
    pattern: any('self[- ]signed certificate', 'unable to (?:verify the first|get (?:local )?issuer) certificate', 'certificate (?:has expired|verify failed|is not trusted|signed by unknown authority)', 'CERT_\\w+', 'SELF_SIGNED_CERT', 'UNABLE_TO_(?:VERIFY|GET_ISSUER)\\w*', 'invalid peer certificate', 'SSL certificate (?:problem|error|verification failed)', 'server certificate verification failed'),
    example: 'unable to verify the first certificate'
  },
  {
    name: 'no-credentials',
    code: 'authentication',
    pattern: any(
      status('401|403|407'), String.raw`\bunauthori[sz]ed\b`, 'unauthenticated', 'authenticat(?:e|ion) (?:failed|required|error|is required|expired|token|credentials)', 'failed to authenticate', 'authentication_error', 'invalid authentication', 'not authenticated', 'auth(?:entication)?[_ ]error', 'invalid (?:x-)?api[- _]?key', 'invalid_api_key', 'incorrect api key', 'api[- _]?key (?:is )?(?:not valid|invalid|missing|required|not found|not set|expired|has been)', 'API_KEY_INVALID', 'no api key', 'missing api key', 'api key provided',
      'invalid (?:bearer|auth|access|refresh|oauth|github)?[ _-]?token', 'invalid_grant', 'token (?:has |is |was )?(?:been )?(?:expired|revoked|invalid)', 'expired token', 'not logged in', 'not signed in', 'must be logged in', String.raw`(?:^|[\s"'\x60])/login\b`, 'codex login', String.raw`(?:log|sign)[- ]?(?:in|on) (?:again|to|with|first|required)`, 'please (?:log|sign) ?in', 'login required', 'session (?:has )?expired', 'invalid credentials', 'bad credentials', 'no credentials', 'credentials? (?:are |is |were )?(?:missing|expired|invalid|required|not found)', 'could not (?:load|find) (?:the )?(?:default )?credentials', String.raw`missing environment variable:? .?\w*(?:KEY|TOKEN|SECRET)`, String.raw`(?:specify|set) (?:the )?\w*_?(?:API_KEY|AUTH_TOKEN|TOKEN)\b`, 'set an auth method', 'no auth(?:entication)? (?:method|information|provider|type)', 'could not read (?:username|password)', 'password authentication was removed', String.raw`permission denied \(publickey`, 'ENEEDAUTH', 'does not have (?:permission|access) to (?:use|the (?:specified|model))', 'PERMISSION_DENIED', 'permission_error', 'access forbidden', String.raw`^forbidden\b`, 'remote: (?:permission to|invalid username)', 'requested access to the resource is denied', 'account (?:does not|doesn.t) have access', 'organization(?:.s policy)? has (?:been )?disabled', 'disabled by your organization', 'token data is not available', 'OAuth (?:token|authentication)', 'refresh token', 'gh auth login', 'verify (?:your )?(?:identity|email)', 'not authorized', 'authorization (?:failed|required)', 'authorization header'
    ),
    example: 'Invalid API key · Please run /login'
  },
  {
    name: 'overloaded',
    code: 'overloaded',
    pattern: any(status('529|503'), 'overloaded', 'high demand', 'high load', 'at capacity', 'no capacity', 'capacity (?:exhausted|constraints|exceeded|issues)', 'CAPACITY_EXHAUSTED', 'insufficient capacity', 'service (?:is )?(?:temporarily )?unavailable', 'service_unavailable', String.raw`\[unavailable\]`, String.raw`"status": ?"UNAVAILABLE"`, 'temporarily unavailable', 'server is busy', 'servers? (?:are|is) (?:currently )?(?:busy|overloaded)', 'model is (?:currently )?(?:busy|unavailable)', 'heavy load'),
    example: 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
  },
  {
    name: 'empty-answer',
    code: 'no_result',
    pattern: any('(?:model|api|server|agent|it) returned (?:an empty|no) (?:response|answer|content|output|text)', 'empty (?:response|answer|output|completion)', 'no (?:response|output|answer|content|text) (?:was )?(?:received|returned|generated|produced)', '(?:produced|returned|printed) no (?:output|result|response|answer|text)', 'did not (?:return|produce|give) (?:a|an|any) (?:final )?(?:result|response|answer|output)', 'invalid stream: '),
    example: 'The model returned an empty response with no text or thoughts.'
  },
  {
    name: 'refused',
    code: 'api_error',
    class: 'agent',
    retryable: false,
    pattern: any('usage polic(?:y|ies)', 'content (?:filter|policy|management policy)', 'blocked by (?:safety|the safety|content)', 'safety (?:filter|settings|reasons|system)', 'PROHIBITED_CONTENT', 'RECITATION', 'flagged (?:as|for)', 'model refused', 'response was (?:blocked|filtered)', 'unable to respond to this request', 'turn ended with refusal', 'stopped with content[-_]filter', 'declined to'),
    example: 'API Error: Claude Code is unable to respond to this request, which appears to violate our Usage Policy'
  },
  {
    name: 'bad-request',
    code: 'api_error',
    class: 'needs-person',
    retryable: false,
    pattern: any(status('400|404|405|409|410|415|422'), 'invalid_request', 'model_not_found', 'INVALID_ARGUMENT', 'FAILED_PRECONDITION', String.raw`model\b.{0,60}(?:not found|does not exist|is not supported|not available|isn.t available|may not exist|is not available|has been (?:deprecated|retired))`, 'unknown model', 'invalid model', 'no such model', 'issue with the selected model', 'is not available (?:with|on|in) (?:the|your) ', 'ProviderModelNotFound', 'model is not supported', 'unsupported (?:model|parameter|value)', 'no endpoints found', 'tool_use ids were found without', 'not_found_error'),
    unless: /ENOENT|no such file/i,
    example: 'There is an issue with the selected model (claude-x). It may not exist or you may not have access to it.'
  },
  {
    name: 'server-error',
    code: 'api_error',
    pattern: any(status('500|501|502|504|520|521|522|523|524'), 'internal server error', 'bad gateway', 'gateway time-?out', 'server_error', 'server had an error', 'api_error', String.raw`"status": ?"INTERNAL"`, 'an internal error has occurred', 'an error occurred while processing your request', 'failed to get (?:a )?response from the (?:AI )?model', String.raw`^server error\b`, String.raw`\[internal\]`, 'timeout_error', 'unexpected error occurred on the (?:server|api)', 'upstream (?:error|request)', 'exceeded retry limit'),
    example: 'API Error: 500 Internal server error. This is a server-side issue, usually temporary'
  },
  {
    name: 'timed-out',
    code: 'timeout',
    pattern: any(String.raw`(?:process|command|agent|run|invocation|task|execution|job|step|session|turn|claude|codex|gemini|cli)\b.{0,30}\b(?:timed? ?out|exceeded (?:its|the) (?:time|timeout)|took longer than)`, String.raw`timed? ?out after \d`, 'time limit (?:was )?(?:exceeded|reached)', String.raw`exceeded (?:the )?(?:timeout|time limit|deadline) of`, 'ran out of time'),
    unless: /connect|request|socket|fetch|network|read|response|ECONN|ETIMEDOUT/i,
    example: 'Agent timed out after 600 seconds'
  },
  {
    name: 'network',
    code: 'network',
    pattern: any(...NETWORK),
    unless: /\bENOENT\b/,
    example: 'API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)'
  },
  {
    name: 'not-startable',
    code: 'cli_missing',
    pattern: any(
      String.raw`command not found`, String.raw`^(?:\S*sh: )?(?:line )?\d*:? ?\S+: not found$`, String.raw`\bspawn(?:Sync)? \S+ (?:ENOENT|EACCES|ENOEXEC|E2BIG)`, String.raw`spawn (?:E2BIG|ENOENT|EACCES)`, String.raw`the command \S+ (?:was not found|cannot be executed|could not be started|does not understand)`, 'working directory does not exist', 'not recognized as (?:an internal|the name)', 'executable file not found', String.raw`^(?:/usr/bin/)?env: .*no such file`, 'exec format error', 'bad cpu type', 'cannot execute', 'bad interpreter', 'argument list too long',
      String.raw`unknown (?:option|argument|flag|command)\b`, String.raw`unexpected argument`, 'unrecognized (?:option|argument)', 'unknown arguments:', 'no such option', 'could not determine executable to run', 'requires node(?:\\.js)? (?:version|>|v?\\d)', 'unsupported engine', 'needs an update', 'please upgrade', 'version .{0,40}is (?:too old|no longer supported)', 'native binary not (?:found|installed)', 'cannot find module \'@', String.raw`(?:error|failed) (?:loading|parsing|to (?:load|parse|read)) (?:the )?(?:\w+ )?(?:config\w*|settings)`, String.raw`invalid (?:config\w*|settings)`
    ),
    example: 'The command claude was not found. Install it, or give its whole path.'
  },
  {
    name: 'person-asked',
    code: 'deferred',
    pattern: any('a person has to decide', 'waiting for (?:permission|approval|an answer|a person|user (?:input|approval|confirmation))', 'user input (?:is )?required', 'requires (?:user|human) (?:input|interaction)', 'tool_deferred', 'no one (?:is )?(?:there|available) to (?:answer|approve)'),
    example: 'A person has to decide on Bash: git push; the session can then be resumed.'
  },
  {
    name: 'not-allowed',
    code: 'permission_denied',
    pattern: any(
      'permission (?:was |to use \\S+ (?:has been |was )?)?denied', 'permission to use', String.raw`\b(?:EACCES|EPERM|EROFS)\b`, 'operation not permitted', 'read-only file system', 'access is denied', 'access denied', 'PermissionError', 'not (?:in|inside) a trusted (?:directory|folder|workspace)', 'is not trusted', 'untrusted (?:folder|workspace|directory)', 'requires? (?:\\w+ )?approval', 'needs approval', 'approval (?:was )?(?:denied|rejected)', 'requested permissions? to', "haven't granted", 'auto-reject', 'auto-den', 'rejected permission', '(?:user|you) (?:has |have )?(?:refused|rejected|denied|declined)', 'denied by (?:the )?(?:user|policy|rule|hook|sandbox|permission)', 'blocked by (?:the )?(?:sandbox|policy|hook|permission)', 'sandbox (?:denied|violation|error|restriction)', 'cannot be used with root', 'not allowed (?:by|to|in)', 'outside (?:of )?(?:the )?(?:allowed|writable|working|workspace)', 'tool .{0,40}(?:is )?not allowed', 'insufficient (?:permission|privilege)s?', 'a (?:password|terminal) is required', 'must be root', 'are you root'
    ),
    example: 'Not inside a trusted directory and --skip-git-repo-check was not specified.'
  },
  {
    name: 'cancelled',
    code: 'cancelled',
    pattern: any(String.raw`^the run was (?:aborted|interrupted|cancelled)`, String.raw`(?:request|operation|turn|run|task|execution) (?:was |has been )?(?:aborted|interrupted|cancell?ed)`, 'cancell?ed by (?:the )?(?:user|host|operator)', 'interrupted by (?:the )?user', 'aborted by (?:the )?user', '^(?:aborted|cancell?ed|interrupted)\\.?$', 'turn ended with cancelled', 'user cancell?ed', 'AbortError', 'KeyboardInterrupt', String.raw`^\^C`, String.raw`^(?:turn aborted|interrupted \()`),
    example: 'The run was aborted.'
  },
  {
    name: 'test-report',
    code: 'tests_failed',
    pattern: any(String.raw`\b[1-9]\d* (?:tests?|specs?|examples?|failing|scenarios?)\b.{0,12}(?:fail|$)`, String.raw`\b[1-9]\d* failed(?:[,;]| \||\s+\(| in )`, String.raw`Tests?:\s+[1-9]\d* failed`, String.raw`^FAILED \((?:failures|errors)=`, 'test result: FAILED', '^--- FAIL', String.raw`^# fail [1-9]`, String.raw`Failures: [1-9]`, 'npm ERR! Test failed', 'there (?:are|were) (?:test failures|failing tests)', String.raw`^FAIL\s+\S+\.(?:test|spec)\.`, 'Test Suites: [1-9]\\d* failed'),
    unless: /\b0 failed\b/,
    example: 'Tests: 2 failed, 40 passed, 42 total'
  },
  {
    name: 'killed',
    code: 'killed',
    isVague: true,
    pattern: any(String.raw`^(?:Killed|Terminated|Hangup)(?:: \d+)?$`, String.raw`(?:ended|killed|terminated) (?:by|with) (?:signal )?SIG(?:KILL|TERM|HUP)`, String.raw`^Ended by SIG(?:KILL|TERM|HUP)`, String.raw`received SIG(?:TERM|HUP)`, String.raw`signal SIG(?:KILL|TERM|HUP)`, String.raw`signal: (?:9|15)\b`, 'signal: killed', 'signal: terminated'),
    example: 'Ended by SIGTERM'
  },
  {
    name: 'crash',
    code: 'cli_crashed',
    pattern: any(
      'segmentation fault', 'core dumped', 'bus error', 'illegal instruction', 'access violation', String.raw`SIG(?:SEGV|ABRT|BUS|ILL|TRAP|FPE)\b`, String.raw`panicked at`, String.raw`^panic: `, String.raw`^fatal error: `, '^goroutine \\d+ \\[running', 'traceback \\(most recent call last', 'unhandled ?(?:promise|rejection|exception|error)', 'UnhandledPromiseRejection', 'uncaught (?:exception|error|typeerror)', String.raw`^\w*(?:Type|Reference|Syntax|Range|Assertion|Attribute|Key|Index|Value|Name|Import|ModuleNotFound|Runtime|Recursion|Unicode\w+)Error\b`, String.raw`^\w*Error \[\w+\]:`, 'maximum call stack', 'stack overflow', 'assertion (?:.{0,60})?failed', 'ERR_MODULE_NOT_FOUND', 'cannot find module', 'cannot find package', 'no module named', String.raw`^Node\.js v\d+`, 'oh no: Bun has crashed', 'Bun v[\\d.]+ .*crash', 'FATAL ERROR:', 'Check failed:', 'an unexpected critical error', 'this is a bug', 'internal error: entered unreachable', 'exception in thread', 'unhandled exception', 'has stopped working', 'stack trace', 'agent loop died'
    ),
    example: 'thread \'main\' panicked at core/src/session.rs:212:14:'
  },
  {
    name: 'failed-after-success',
    code: 'cli_crashed',
    isVague: true,
    pattern: any(String.raw`(?:reported success|completed), but ended with (?:exit code|signal)`),
    example: 'Claude reported success, but ended with exit code 1.'
  },
  {
    name: 'api-says',
    code: 'api_error',
    isVague: true,
    pattern: any(String.raw`^\[?API ?Error\b`, 'APIStatusError', 'provider returned error', 'ProviderError', 'error (?:from|when talking to) (?:the )?(?:\\w+ )?(?:api|provider)'),
    example: '[API Error: the model did not answer]'
  },
  {
    name: 'nothing-said',
    code: 'no_result',
    isVague: true,
    pattern: any('ended without (?:a result|an outcome|an answer)', 'ended before its turn did', 'stream ended without', 'ended with the status', 'no result'),
    example: 'Gemini ended without a result (exit code 0).'
  }
]
