import { readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import { FAILURE_CATALOGUE } from '../../../lib/insight/failure-catalogue.js'
import { API_REASONS, ENDING_REASONS, EXIT_CODES, SIGNALS } from '../../../lib/insight/failure-marks.js'
import { MESSAGE_RULES } from '../../../lib/insight/failure-rules.js'
import { explainFailure, type FailureEvidence } from '../../../lib/insight/failure.js'
import { resetTimeOf } from '../../../lib/insight/reset-time.js'
import { FAILURE_CLASSES, FAILURE_CODES, type FailureCode } from '../../../lib/model/failure.js'
import type { CliAdapter } from '../../../lib/providers/adapter.js'
import { claudeAdapter } from '../../../lib/providers/claude/claude.js'
import { createCodexAdapter } from '../../../lib/providers/codex/codex.js'
import { knownFormats } from '../../../lib/providers/formats.js'
import { geminiAdapter } from '../../../lib/providers/gemini/gemini.js'
import { createRecognisingAdapter } from '../../../lib/providers/recognise.js'
import { read, recordingsOf } from '../providers/recordings.js'
import { ENDED_AT, evidence, evidenceOf, failedCall } from './failure-evidence.js'

/** What a run ended with, and what is expected: the code, and the class where it is not the usual one. */
type Case = [parts: Partial<FailureEvidence>, expected: string]

const said = (provider: string, error: string, reason?: string, exitCode = 1): Partial<FailureEvidence> => {
  return { provider, error, reason, exitCode, errors: [{ seq: 7, message: error }] }
}
const tail = (stderrTail: string, parts: Partial<FailureEvidence> = {}): Partial<FailureEvidence> => {
  return { error: stderrTail.trim().split('\n').at(-1), reason: 'no-result', exitCode: 1, stderrTail, ...parts }
}

const CASES: Readonly<Record<FailureCode, readonly Case[]>> = {
  usage_limit: [
    [said('claude', "You've hit your session limit · resets 3:45pm", 'rate_limit'), 'usage_limit'],
    [said('claude', "You've hit your Opus limit · resets Mon 12:00am", 'rate_limit'), 'usage_limit'],
    [said('copilot', '402 {"error":{"message":"You have no quota","code":"quota_exceeded"}}', 'quota'), 'usage_limit'],
    [said('gemini', '{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details.","status":"RESOURCE_EXHAUSTED","details":[{"violations":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}'), 'usage_limit'],
    [said('claude', 'Claude usage limit reached. Your limit will reset at 11am (Europe/Bucharest).', 'api_error'), 'usage_limit'],
    [said('claude', 'Claude AI usage limit reached|1796050800', 'api_error'), 'usage_limit'],
    [said('claude', "You've hit your limit · resets 3pm (Europe/Berlin)", 'rate_limit'), 'usage_limit'],
    [said('claude', '5-hour limit reached ∙ resets 11pm\n/upgrade to increase your usage limit.', 'api_error'), 'usage_limit'],
    [said('claude', "You've reached your weekly limit · resets Oct 6, 1pm", 'api_error'), 'usage_limit'],
    [said('claude', "You're out of extra usage · resets 3pm (UTC)", 'rate_limit'), 'usage_limit'],
    [said('codex', 'You’ve hit your usage limit. Upgrade to Pro (https://chatgpt.com/explore/pro), visit https://chatgpt.com/settings/usage to purchase more credits or try again at 3:05 PM.', 'turn-failed'), 'usage_limit'],
    [said('gemini', '[API Error: You have exhausted your daily quota on this model.]\nPlease wait and try again later.', 'TerminalQuotaError', 173), 'usage_limit'],
    [said('gemini', 'You have exhausted your capacity on this model. Your quota will reset after 3h20m5s.'), 'usage_limit'],
    [said('gemini', "Quota exceeded for quota metric 'Gemini 2.5 Pro Requests' and limit 'Gemini 2.5 Pro Requests per day per user per tier' of service 'cloudcode-pa.googleapis.com'"), 'usage_limit'],
    [said('copilot', 'You have exceeded your premium request allowance. We have automatically switched you', 'quota'), 'usage_limit'],
    [said('qwen', 'Qwen OAuth quota exceeded: Your free daily quota has been reached.'), 'usage_limit'],
    [said('opencode', 'Free usage exceeded, subscribe to Go https://opencode.ai/go'), 'usage_limit'],
    [said('cursor', "You've hit your usage limit Get Cursor Pro for more Agent usage"), 'usage_limit'],
    [said('kimi', "You've reached your usage limit for this billing cycle. Your quota will be refreshed in the next cycle."), 'usage_limit']
  ],
  rate_limit: [
    [said('claude', 'API Error: Server is temporarily limiting requests (not your usage limit) · Rate limited', 'api_error'), 'rate_limit'],
    [said('claude', 'API Error: Rate limit reached', 'api_error'), 'rate_limit'],
    [said('claude', 'API Error: Request rejected (429) · this may be a temporary capacity issue', 'api_error'), 'rate_limit'],
    [said('copilot', "Sorry, you've hit a rate limit that restricts the number of Copilot model requests you can make within a specific time period. Please try again in 2 hours."), 'rate_limit'],
    [said('codex', 'stream disconnected before completion: Rate limit is exceeded. Try again in 17 seconds.', 'turn-failed'), 'rate_limit'],
    [said('gemini', '[API Error: [{ "error": { "code": 429, "message": "Resource exhausted. Please try again later.", "status": "RESOURCE_EXHAUSTED" } }]]'), 'rate_limit'],
    [said('gemini', '[API Error: {"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits","status":"RESOURCE_EXHAUSTED"}}]'), 'rate_limit'],
    [said('goose', 'Rate limit exceeded: Some(Object {"error": Object {"message": String("This request would exceed your organization’s rate limit of 80,000 input tokens per minute."), "type": String("rate_limit_error")}})'), 'rate_limit'],
    [said('cursor', 'Error: [resource_exhausted] Error'), 'rate_limit'],
    [said('kimi', "LLM provider error: Error code: 429 - {'error': {'message': 'Your account request reached max organization concurrency: 3', 'type': 'rate_limit_reached_error'}}"), 'rate_limit'],
    [said('claude', 'API Error: Request rejected (429) · Number of requests has exceeded your rate limit', 'api_error'), 'rate_limit'],
    [said('claude', '429 {"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization\'s rate limit of 30,000 input tokens per minute"}}', 'api_error'), 'rate_limit'],
    [said('codex', 'exceeded retry limit, last status: 429 Too Many Requests, request id: req_1', 'turn-failed'), 'rate_limit'],
    [said('codex', 'Rate limit reached for gpt-5 in organization org-x on tokens per min (TPM): Limit 30000, Used 30000. Please try again in 1.898s. Visit https://platform.openai.com/account/rate-limits', 'turn-failed'), 'rate_limit'],
    [said('gemini', 'API error 429: Resource has been exhausted (e.g. check quota).', 'api_error', 173), 'rate_limit'],
    [said('gemini', '{"error":{"code":429,"message":"You exceeded your current quota, please check your plan and billing details. * Quota exceeded for metric: generativelanguage.googleapis.com/generate_content_free_tier_input_token_count, limit: 250000, model: gemini-2.5-pro\\nPlease retry in 34.07s.","status":"RESOURCE_EXHAUSTED"}}'), 'rate_limit'],
    [said('copilot', 'Sorry, you have been rate-limited. Please wait a moment before trying again.', 'rate_limit'), 'rate_limit'],
    [{ provider: 'gemini', reason: 'no-result', exitCode: 173, error: 'Gemini ended without a result (exit code 173).' }, 'rate_limit'],
    [{ status: 'timeout', reason: 'timeout', error: 'The run took longer than 60000 ms and was ended.', waits: [{ seq: 9, message: 'Waiting for a retry after rate limit (3 of 10)', what: 'rate limit', waitKind: 'rate_limit' }] }, 'rate_limit']
  ],
  overloaded: [
    [said('claude', 'API Error: Repeated 529 Overloaded errors. The API is at capacity — this is usually temporary.', 'api_error'), 'overloaded'],
    [said('cursor', 'ConnectError: [unavailable] Error'), 'overloaded'],
    [said('gemini', '{"error":{"code":503,"message":"This model is currently experiencing high demand. Spikes in demand are usually temporary.","status":"UNAVAILABLE"}}'), 'overloaded'],
    [said('claude', 'API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}', 'api_error'), 'overloaded'],
    [said('claude', 'API Error: 529 Overloaded. This is a server-side issue, usually temporary — try again in a moment.', 'api_error'), 'overloaded'],
    [said('codex', 'Selected model is at capacity. Please try a different model.', 'turn-failed'), 'overloaded'],
    [said('codex', 'We’re currently experiencing high demand, which may cause temporary errors.', 'turn-failed'), 'overloaded'],
    [said('gemini', 'API error 503: The model is overloaded. Please try again later.', 'api_error', 247), 'overloaded'],
    [said('opencode', 'Service Unavailable', 'api_error'), 'overloaded'],
    [said('kimi', 'The engine is currently overloaded, please try again later', 'engine_overloaded_error'), 'overloaded']
  ],
  api_error: [
    [said('codex', 'stream disconnected before completion: An error occurred while processing your request. You can retry your request, or contact us through our help center.', 'turn-failed'), 'api_error'],
    [said('copilot', 'Execution failed: Failed to get response from the AI model; retried 5 times (total retry wait time: 92.78 seconds)', 'query'), 'api_error'],
    [said('goose', 'Request failed: Request failed with status: 400 Bad Request. Message: * GenerateContentRequest.contents[13].parts: contents.parts must not be empty.'), 'api_error needs-person'],
    [said('claude', 'API Error: 400 due to tool use concurrency issues. Run /rewind to recover the conversation.', 'api_error'), 'api_error needs-person'],
    [said('claude', 'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"max_tokens must be greater than thinking.budget_tokens"}}', 'api_error'), 'api_error needs-person'],
    [said('claude', 'Claude Opus is not available with the Claude Pro plan', 'api_error'), 'api_error needs-person'],
    [said('claude', 'API Error (504 Gateway Timeout): upstream request timeout', 'api_error'), 'api_error'],
    [said('opencode', 'ProviderModelNotFoundError: anthropic/claude-9', 'ProviderModelNotFoundError'), 'api_error needs-person'],
    [said('claude', 'API Error: 500 {"type":"error","error":{"type":"api_error","message":"Internal server error"}}', 'api_error'), 'api_error'],
    [said('gemini', 'API error 500: An internal error has occurred.', 'api_error', 244), 'api_error'],
    [said('codex', 'unexpected status 502 Bad Gateway: <html>, url: https://chatgpt.com/backend-api/codex/responses', 'turn-failed'), 'api_error'],
    [said('claude', 'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"messages.2.content.0: unexpected `tool_use_id`"}}', 'api_error'), 'api_error needs-person'],
    [said('claude', 'There is an issue with the selected model (claude-nope). It may not exist or you may not have access to it. Run --model to pick a different model.', 'api_error'), 'api_error needs-person'],
    [said('codex', "unexpected status 400 Bad Request: {\"detail\":\"The 'gpt-9' model is not supported when using Codex with a ChatGPT account.\"}", 'turn-failed'), 'api_error needs-person'],
    [said('gemini', 'API error 404: models/gemini-9 is not found for API version v1beta', 'api_error', 148), 'api_error needs-person'],
    [said('acp', 'The turn ended with refusal.', 'refusal'), 'api_error agent'],
    [said('claude', 'API Error: Claude Code is unable to respond to this request, which appears to violate our Usage Policy', 'api_error'), 'api_error agent'],
    [said('opencode', 'The model stopped with content-filter.', 'content-filter'), 'api_error agent']
  ],
  network: [
    [{ provider: 'sh', reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'kubectl get pods', 'The connection to the server localhost:8080 was refused - did you specify the right host or port?')] }, 'network'],
    [said('claude', 'Unable to connect to API: SSL certificate verification failed. Check your proxy or corporate SSL certificates', 'api_error'), 'network host'],
    [said('opencode', 'Unable to connect. Is the computer able to access the url?'), 'network'],
    [said('cursor', 'ConnectError: [deadline_exceeded] the operation timed out'), 'network'],
    [said('codex', 'Reconnecting... 5/5 (stream disconnected before completion: Transport error)', 'turn-failed'), 'network'],
    [{ provider: 'sh', reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'pip install requests', "WARNING: Retrying (Retry(total=4)) after connection broken by 'NewConnectionError': Failed to establish a new connection: [Errno -3] Temporary failure in name resolution\nERROR: Could not find a version that satisfies the requirement requests")] }, 'network'],
    [{ provider: 'sh', reason: 'exit-code', exitCode: 128, failedCalls: [failedCall(4, 'git clone https://github.com/x/y', "Cloning into 'y'...\nfatal: unable to access 'https://github.com/x/y/': Could not resolve host: github.com")] }, 'network'],
    [said('claude', 'API Error: Connection refused — a firewall or proxy may be blocking it (ECONNREFUSED)', 'api_error'), 'network'],
    [said('claude', 'API Error: Unable to connect to API (ENOTFOUND)', 'api_error'), 'network'],
    [said('claude', 'Request timed out. If the API is slow to answer, or a proxy or gateway holds responses, set API_TIMEOUT_MS', 'api_error'), 'network'],
    [said('codex', 'stream disconnected before completion: error sending request for url (https://chatgpt.com/backend-api/codex/responses)', 'turn-failed'), 'network'],
    [said('gemini', '[API Error: exception TypeError: fetch failed sending request]', 'api_error'), 'network'],
    [tail('TypeError: fetch failed\n    at node:internal/deps/undici/undici:13484:13 {\n  [cause]: Error: getaddrinfo EAI_AGAIN api.example.com\n}\n'), 'network'],
    [said('claude', 'API Error: unable to verify the first certificate', 'api_error'), 'network host'],
    [{ provider: 'codex', status: 'timeout', reason: 'timeout', waits: [5, 6, 7].map((seq) => ({ seq, message: 'Reconnecting... waiting for network', waitKind: 'network', what: 'network' })) }, 'network'],
    [{ provider: 'sh', reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'npm ci', 'npm error code ENOTFOUND\nnpm error syscall getaddrinfo\nnpm error errno ENOTFOUND\nnpm error network request to https://registry.npmjs.org/left-pad failed, reason: getaddrinfo ENOTFOUND registry.npmjs.org')] }, 'network']
  ],
  authentication: [
    [said('claude', 'Your organization has disabled Claude subscription access for Claude Code · Use an Anthropic API key instead', 'api_error'), 'authentication'],
    [said('kimi', 'LLM not set, send "/login" to login'), 'authentication'],
    [said('droid', 'Exec failed: Authentication failed. Please log in using /login or set a valid FACTORY_API_KEY environment variable'), 'authentication'],
    [said('copilot', 'Error: No authentication information found. Copilot can be authenticated with GitHub using an OAuth Token or a Fine-Grained Personal Access Token.'), 'authentication'],
    [said('codex', 'exceeded retry limit, last status: 401 Unauthorized, request id: req_1', 'turn-failed'), 'authentication'],
    [said('claude', 'API Error: 403 {"type":"error","error":{"type":"permission_error","message":"Your API key does not have permission to use the specified resource."}}', 'api_error'), 'authentication'],
    [said('cursor', 'Error: [unauthenticated] Error'), 'authentication'],
    [said('claude', 'Invalid API key · Please run /login', 'authentication_failed'), 'authentication'],
    [said('claude', 'API Error: 401 {"type":"error","error":{"type":"authentication_error","message":"OAuth token has expired. Please obtain a new token or refresh your existing token."}}', 'api_error'), 'authentication'],
    [said('claude', 'Not logged in · Please run /login', 'api_error'), 'authentication'],
    [said('codex', 'unexpected status 401 Unauthorized: Missing bearer or basic authentication in header, url: https://api.openai.com/v1/responses', 'turn-failed'), 'authentication'],
    [said('codex', 'Your access token could not be refreshed because your refresh token was already used. Please log out and sign in again.', 'turn-failed'), 'authentication'],
    [said('codex', 'Missing environment variable: `OPENAI_API_KEY`.', 'turn-failed'), 'authentication'],
    [said('gemini', 'API error 400: API key not valid. Please pass a valid API key.', 'api_error', 144), 'authentication'],
    [tail('Please set an Auth method in your /home/dev/.gemini/settings.json or specify one of the following environment variables before running: GEMINI_API_KEY', { provider: 'gemini', exitCode: 41 }), 'authentication'],
    [said('acp', 'Authentication required', 'api_error'), 'authentication'],
    [said('cursor', "Error: Authentication required. Please run 'agent login' first, or set CURSOR_API_KEY environment variable."), 'authentication'],
    [{ error: 'Claude needs somebody who is signed in: claude-login.', reason: 'AGENT_TIMELINE_SIGN_IN_NEEDED' }, 'authentication'],
    [{ provider: 'sh', reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'git push origin main', 'git@github.com: Permission denied (publickey).\nfatal: Could not read from remote repository.')] }, 'authentication']
  ],
  billing: [
    [said('codex', 'To use Codex with your ChatGPT plan, upgrade to Plus: https://chatgpt.com/explore/plus.', 'turn-failed'), 'billing'],
    [said('droid', '402 status code: Ready for more? Reload your tokens at https://app.factory.ai/settings/billing'), 'billing'],
    [said('goose', 'Credits exhausted: Insufficient credits. Add more using https://openrouter.ai/settings/credits'), 'billing'],
    [said('claude', 'Credit balance is too low', 'billing_error'), 'billing'],
    [said('claude', 'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits."}}', 'api_error'), 'billing'],
    [said('codex', 'Quota exceeded. Check your plan and billing details.', 'turn-failed'), 'billing'],
    [said('codex', '{"error":{"message":"You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs.","type":"insufficient_quota","code":"insufficient_quota"}}'), 'billing'],
    [said('opencode', 'Insufficient balance. Manage your billing here: https://opencode.ai/workspace/billing', 'api_error'), 'billing'],
    [said('cline', '402 Payment Required: Insufficient credits'), 'billing'],
    [said('gemini', 'Your prepayment credits are depleted. Please go to AI Studio to manage your project and billing.'), 'billing'],
    [{ provider: 'kimi', reason: 'insufficient_balance', error: 'failed to run prompt' }, 'billing']
  ],
  context_overflow: [
    [said('goose', 'Server error: Failed to call Bedrock: ValidationException: "The model returned the following errors: prompt is too long: 227255 tokens > 200000 maximum"'), 'context_overflow'],
    [said('claude', 'Error during compaction: Error: Conversation too long. Press esc twice to go up a few messages and try again.', 'api_error'), 'context_overflow'],
    [said('claude', 'Request too large (max 30MB). Double press esc to go back and try with a smaller file.', 'api_error'), 'context_overflow'],
    [said('codex', 'Your input exceeds the context window of this model. Please adjust your input and try again.', 'turn-failed'), 'context_overflow'],
    [said('claude', 'Prompt is too long', 'prompt_too_long'), 'context_overflow'],
    [said('claude', 'API Error: 400 {"type":"error","error":{"type":"invalid_request_error","message":"input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000"}}', 'api_error'), 'context_overflow'],
    [said('claude', "API Error: Claude's response exceeded the 32000 output token maximum. To configure this behavior, set the CLAUDE_CODE_MAX_OUTPUT_TOKENS environment variable.", 'api_error'), 'context_overflow'],
    [said('codex', "Codex ran out of room in the model's context window. Start a new thread or clear earlier history before retrying.", 'turn-failed'), 'context_overflow'],
    [tail('Error: turn/start: turn/start failed: Input exceeds the maximum length of 1048576 characters. (code -32602)', { provider: 'codex' }), 'context_overflow'],
    [said('gemini', 'API error 400: The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).', 'api_error', 144), 'context_overflow'],
    [said('opencode', "This model's maximum context length is 128000 tokens. However, your messages resulted in 140000 tokens.", 'ContextOverflowError'), 'context_overflow'],
    [said('acp', 'The turn ended with max_tokens.', 'max_tokens'), 'context_overflow'],
    [{ error: 'The prompt is longer than Codex accepts: 1,048,576 characters.', reason: 'AGENT_TIMELINE_PROMPT_TOO_LONG' }, 'context_overflow']
  ],
  max_turns: [
    [said('kimi', 'Max number of steps reached: 100', 'exit-code'), 'max_turns'],
    [said('copilot', 'Reached the maximum number of autopilot continues (20)', 'failed'), 'max_turns'],
    [said('claude', 'Reached maximum number of turns (25)', 'error_max_turns'), 'max_turns'],
    [said('gemini', 'Reached max session turns for this session. Increase the number of turns by specifying maxSessionTurns in settings.json.', 'FatalTurnLimitedError', 53), 'max_turns'],
    [said('acp', 'The turn ended with max_turn_requests.', 'max_turn_requests'), 'max_turns'],
    [{ provider: 'gemini', exitCode: 53, reason: 'no-result', error: 'Gemini ended without a result (exit code 53).' }, 'max_turns'],
    [said('goose', "I've reached the maximum number of actions I can do without user input."), 'max_turns'],
    [said('cline', 'Maximum consecutive mistakes reached (3)', 'mistake_limit'), 'max_turns']
  ],
  budget: [
    [said('claude', 'Reached maximum budget ($5)', 'error_max_budget_usd'), 'budget'],
    [said('claude', 'Claude ended with error_max_budget_usd.', 'max_budget_usd'), 'budget'],
    [said('host', 'The budget of $2.00 for this task is exhausted'), 'budget'],
    [said('cline', 'Stopped: exceeded the cost limit', 'cost_limit'), 'budget']
  ],
  permission_denied: [
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'sudo apt install x', 'sudo: a terminal is required to read the password; either use the -S option')] }, 'permission_denied'],
    [said('droid', 'Error: Insufficient permission to proceed. Re-run with --auto medium or --skip-permissions-unsafe'), 'permission_denied'],
    [{ reason: 'exit-code', exitCode: 1, error: 'it failed', failedCalls: [failedCall(5, 'touch x', 'Permission to use Bash has been denied.', { status: 'denied' })] }, 'permission_denied'],
    [tail('\u001b[31mGemini CLI is not running in a trusted directory. To proceed, either use `--skip-trust`\u001b[0m', { provider: 'gemini', exitCode: 55 }), 'permission_denied'],
    [tail('Not inside a trusted directory and --skip-git-repo-check was not specified.', { provider: 'codex' }), 'permission_denied'],
    [tail('--dangerously-skip-permissions cannot be used with root/sudo privileges for security reasons'), 'permission_denied'],
    [tail("Error: EACCES: permission denied, mkdir '/home/dev/.claude'\n    at Object.mkdirSync (node:fs:1371:26)"), 'permission_denied'],
    [said('opencode', 'The user rejected permission to use this specific tool call.', 'PermissionRejectedError'), 'permission_denied'],
    [{ provider: 'codex', reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(5, './deploy.sh', 'bash: ./deploy.sh: Permission denied', { exitCode: 126 })] }, 'permission_denied']
  ],
  deferred: [
    [said('claude', 'A person has to decide on Bash: git push; the session can then be resumed.', 'deferred', 0), 'deferred'],
    [{ status: 'timeout', reason: 'timeout', waits: [{ seq: 12, message: 'Waiting for permission: Bash: rm -rf build', waitKind: 'person' }], openCalls: [{ seq: 11, callId: 'a', name: 'Bash', message: 'exec: rm -rf build', startedAt: ENDED_AT }] }, 'deferred'],
    [{ provider: 'acp', status: 'timeout', reason: 'silence', waits: [{ seq: 4, message: 'Signing in with ChatGPT: the agent may wait for a person', waitKind: 'person' }] }, 'deferred'],
    [{ provider: 'own', reason: 'input_required', error: 'Question for the owner' }, 'deferred']
  ],
  tests_failed: [
    [{ provider: 'codex', reason: 'turn-failed', exitCode: 1, error: 'The turn failed.', failedCalls: [failedCall(8, 'npm test', 'not ok 1 - adds\n  AssertionError [ERR_ASSERTION]: 3 !== 4\n    at src/add.test.js:3:8')] }, 'tests_failed'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(3, 'rg TODO', '', { exitCode: 1 }), failedCall(5, 'npm run build', 'src/a.ts(1,1): error TS1005: x', { wasMended: true }), failedCall(9, 'pytest -q', 'E       assert 3 == 4\ntests/test_a.py:4: AssertionError')] }, 'tests_failed'],
    [{ provider: 'sh', reason: 'exit-code', exitCode: 1, error: 'Tests: 2 failed, 40 passed, 42 total' }, 'tests_failed'],
    [{ provider: 'sh', ...tail('FAILED (failures=1)', { reason: 'exit-code' }) }, 'tests_failed'],
    [{ provider: 'qwen', reason: 'during_execution', exitCode: 1, failedCalls: [failedCall(4, 'go test ./...', '--- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 3'), failedCall(7, 'go test ./...', '--- FAIL: TestAdd (0.00s)\n    add_test.go:9: got 5')] }, 'tests_failed']
  ],
  command_failed: [
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, 'npm run build', 'src/app.ts(12,5): error TS2322: Type')] }, 'command_failed'],
    [{ provider: 'codex', reason: 'turn-failed', exitCode: 1, error: 'The turn failed.', failedCalls: [failedCall(8, 'terraform apply', 'Error: creating S3 Bucket: BucketAlreadyExists')] }, 'command_failed'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, 'cp -r a /data', "cp: error writing '/data/a': No space left on device")] }, 'command_failed host'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, 'poetry run x', 'bash: line 1: poetry: command not found', { exitCode: 127 })] }, 'command_failed host'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'npm install', 'npm error code ERESOLVE\nnpm error ERESOLVE unable to resolve dependency tree'), failedCall(9, 'npm test', "Error: Cannot find module 'left-pad'")] }, 'command_failed']
  ],
  cli_missing: [
    [{ provider: 'gemini', exitCode: 52, reason: 'no-result', error: 'Gemini ended without a result (exit code 52).' }, 'cli_missing'],
    [tail('Error loading config.toml: unknown variant `x`, expected one of `a`, `b`', { provider: 'codex' }), 'cli_missing'],
    [{ provider: 'claude', reason: 'error', error: 'spawn E2BIG' }, 'cli_missing'],
    [{ error: 'The command claude was not found. Install it, or give its whole path.', reason: 'AGENT_TIMELINE_COMMAND_NOT_FOUND' }, 'cli_missing'],
    [{ error: 'spawn claude ENOENT', reason: 'ENOENT' }, 'cli_missing'],
    [tail('sh: 1: codex: not found', { exitCode: 127, provider: 'sh', reason: 'exit-code' }), 'cli_missing'],
    [tail('bash: /usr/local/bin/claude: Permission denied', { exitCode: 126, reason: 'exit-code', error: '', stderrTail: '' }), 'cli_missing'],
    [tail("error: unexpected argument '--full-auto' found\n\nUsage: codex exec [OPTIONS]", { exitCode: 2, provider: 'codex' }), 'cli_missing'],
    [tail("'gemini' is not recognized as an internal or external command,\r\noperable program or batch file.", { exitCode: 9009 }), 'cli_missing'],
    [{ error: 'The working directory does not exist: /srv/gone.', reason: 'AGENT_TIMELINE_CWD_NOT_FOUND' }, 'cli_missing']
  ],
  cli_crashed: [
    [said('codex', 'internal error; agent loop died unexpectedly', 'turn-failed'), 'cli_crashed'],
    [tail("node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '/usr/lib/node_modules/x/cli.js'\n    at Function._resolveFilename (node:internal/modules/cjs/loader:1225:15)\n\nNode.js v22.12.0", { provider: 'qwen' }), 'cli_crashed'],
    [{ provider: 'codex', exitCode: -1073740791, reason: 'no-result', error: 'Codex ended without an outcome (exit code -1073740791).' }, 'cli_crashed'],
    [{ exitCode: null, signal: 'SIGSEGV', reason: 'no-result', error: 'Claude ended without a result (signal SIGSEGV).' }, 'cli_crashed'],
    [{ exitCode: 139, reason: 'no-result', error: 'Segmentation fault (core dumped)' }, 'cli_crashed'],
    [{ exitCode: 3221225477, reason: 'no-result', error: 'Claude ended without a result (exit code 3221225477).' }, 'cli_crashed'],
    [tail("thread 'main' panicked at core/src/session.rs:212:14:\ncalled `Option::unwrap()` on a `None` value\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace", { provider: 'codex', exitCode: 101 }), 'cli_crashed'],
    [tail("file:///usr/lib/node_modules/@google/gemini-cli/dist/index.js:10\n    throw new TypeError('x')\n\nTypeError: Cannot read properties of undefined (reading 'map')\n    at main (file:///x.js:1:2)\n\nNode.js v22.1.0", { provider: 'gemini' }), 'cli_crashed'],
    [tail('panic: runtime error: invalid memory address or nil pointer dereference\n[signal SIGSEGV: segmentation violation]\n\ngoroutine 1 [running]:\nmain.main()', { exitCode: 2 }), 'cli_crashed'],
    [tail("Traceback (most recent call last):\n  File \"/x/cli.py\", line 3, in <module>\nKeyError: 'model'", { provider: 'kimi' }), 'cli_crashed'],
    [tail('ENOSPC: no space left on device, write'), 'cli_crashed host'],
    [{ error: 'Claude reported success, but ended with exit code 1.', reason: 'exit-code', exitCode: 1 }, 'cli_crashed']
  ],
  out_of_memory: [
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(4, 'make -j16', 'c++: fatal error: Killed signal terminated program cc1plus\ncompilation terminated.\nmake: *** [a.o] Error 1')] }, 'out_of_memory'],
    [tail('runtime: out of memory: cannot allocate 4194304-byte block\nfatal error: out of memory', { exitCode: 2 }), 'out_of_memory'],
    [{ provider: 'own', error: 'Container was OOMKilled (exit code 137)', reason: 'error', exitCode: 137 }, 'out_of_memory'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, './gradlew build', 'Expiring Daemon because JVM heap space is exhausted\nException in thread "main" java.lang.OutOfMemoryError: Java heap space')] }, 'out_of_memory'],
    [tail('<--- Last few GCs --->\n\n[1:0x1] 100 ms: Mark-sweep\n\nFATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n----- Native stack trace -----\n\n 1: 0xb76dc5 node::OOMErrorHandler', { exitCode: 134, signal: null }), 'out_of_memory'],
    [tail('memory allocation of 4294967296 bytes failed', { provider: 'codex', exitCode: null, signal: 'SIGABRT' }), 'out_of_memory'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, 'npm run build', 'FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory\nAborted', { exitCode: 134 })] }, 'out_of_memory'],
    [{ reason: 'exit-code', exitCode: 1, failedCalls: [failedCall(8, 'cargo build', 'Killed', { exitCode: 137 })] }, 'out_of_memory'],
    [{ exitCode: 137, reason: 'no-result', error: 'OOMKilled' }, 'out_of_memory']
  ],
  killed: [
    [{ exitCode: null, signal: 'SIGKILL', reason: 'no-result', error: 'Claude ended without a result (signal SIGKILL).' }, 'killed'],
    [{ exitCode: 143, reason: 'no-result', error: 'Claude ended without a result (exit code 143).' }, 'killed'],
    [{ exitCode: 137, reason: 'exit-code', error: 'Killed' }, 'killed'],
    [{ exitCode: null, signal: 'SIGTERM', error: 'Ended by SIGTERM' }, 'killed']
  ],
  timeout: [
    [{ status: 'timeout', reason: 'timeout', error: 'The run took longer than 60000 ms and was ended.', exitCode: null, signal: 'SIGKILL', errors: [{ seq: 2, message: 'apply_patch verification failed' }] }, 'timeout'],
    [{ status: 'timeout', reason: 'timeout', error: 'The run took longer than 60000 ms and was ended.', openCalls: [{ seq: 4, callId: 'a', name: 'Bash', message: 'exec: npm test', startedAt: '2026-11-30T11:59:00.000Z' }] }, 'timeout'],
    [{ status: 'timeout', error: 'Timed out' }, 'timeout'],
    [{ provider: 'own', error: 'Agent timed out after 600 seconds', reason: 'error', exitCode: 1 }, 'timeout'],
    [{ provider: 'sh', exitCode: 124, reason: 'exit-code', error: 'sh ended with exit code 124.' }, 'timeout'],
    [{ status: 'timeout', reason: 'timeout', waits: [{ seq: 4, message: 'Waiting for a retry', waitKind: 'network' }], lastActivitySeq: 60 }, 'timeout']
  ],
  silence: [
    [{ status: 'timeout', reason: 'silence', error: 'The agent printed nothing for 60000 ms and was ended.' }, 'silence'],
    [{ provider: 'codex', status: 'timeout', reason: 'silence', exitCode: null, signal: 'SIGTERM' }, 'silence'],
    [{ provider: 'gemini', status: 'timeout', reason: 'silence', exitCode: 0 }, 'silence']
  ],
  finished_not_exited: [
    [{ status: 'timeout', reason: 'finished_not_exited', error: 'The agent had finished and said so, but its process did not exit within its time of 9000 ms and was ended.' }, 'finished_not_exited'],
    [{ status: 'failed', reason: 'finished_not_exited' }, 'finished_not_exited'],
    [{ status: 'timeout', reason: 'timeout', error: 'The agent had finished and said so, but its process did not exit within 9000 ms of silence and was ended.' }, 'finished_not_exited']
  ],
  runner_lost: [
    [{ reason: 'lost', error: 'The process that ran it is gone' }, 'runner_lost'],
    [{ reason: 'closed', error: 'The timeline was closed while the agent was running' }, 'runner_lost'],
    [{ provider: 'codex', reason: 'lost', failedCalls: [failedCall(4, 'npm test', 'not ok 1')] }, 'runner_lost']
  ],
  cancelled: [
    [said('codex', 'interrupted (Ctrl-C). Something went wrong? Hit `/feedback` to report the issue.', 'turn-failed'), 'cancelled'],
    [{ provider: 'own', reason: 'aborted', error: 'This operation was aborted' }, 'cancelled'],
    [{ provider: 'gemini', exitCode: 130, reason: 'FatalCancellationError', error: 'Operation cancelled.' }, 'cancelled'],
    [{ reason: 'aborted', error: 'The run was aborted.', signal: 'SIGTERM', exitCode: null }, 'cancelled'],
    [{ reason: 'aborted_tools', error: 'The run was interrupted.', exitCode: 0 }, 'cancelled'],
    [{ provider: 'acp', reason: 'cancelled', error: 'The turn ended with cancelled.' }, 'cancelled'],
    [{ exitCode: null, signal: 'SIGINT', reason: 'no-result', error: 'Codex ended without an outcome (signal SIGINT).' }, 'cancelled'],
    [{ exitCode: 130, reason: 'exit-code', error: 'sh ended with exit code 130.' }, 'cancelled']
  ],
  no_result: [
    [{ provider: 'gemini', reason: 'no-result', exitCode: 0, error: 'Gemini ended without a result (exit code 0).' }, 'no_result'],
    [{ provider: 'codex', reason: 'no-result', exitCode: 1, error: 'Codex ended without an outcome (exit code 1).' }, 'no_result'],
    [said('gemini', 'The model returned an empty response with no text or thoughts. This may be a transient API issue; please try again.', 'api_error', 0), 'no_result'],
    [{ provider: 'acp', reason: 'no-result', exitCode: 0, error: 'The agent ended before its turn did (exit code 0).' }, 'no_result']
  ],
  unknown: [
    [said('claude', 'Something odd happened', 'error'), 'unknown'],
    [{ provider: 'own', error: 'Failed without a message', reason: 'error' }, 'unknown'],
    [tail('No prompt provided via stdin.', { provider: 'codex' }), 'unknown'],
    [{}, 'unknown']
  ]
}

t.test('each code is found in its shapes', async (t) => {
  for (const [code, cases] of Object.entries(CASES)) {
    t.ok(cases.length >= 3, code)
    for (const [parts, expected] of cases) {
      const failure = explainFailure(evidence(parts))!
      const [, kind = FAILURE_CATALOGUE[code as FailureCode].class] = expected.split(' ')
      const label = `${code}: ${(parts.error ?? parts.stderrTail ?? parts.reason ?? JSON.stringify(parts.failedCalls ?? '')).slice(0, 90)} (${failure.rule})`
      t.same([failure.code, failure.class], [code, kind], label)
    }
  }
})

t.test('the catalogue has every code, and each rule fits its example before all others', async (t) => {
  t.same(Object.keys(FAILURE_CATALOGUE), FAILURE_CODES)
  for (const { name, code, example } of MESSAGE_RULES) {
    const { rule } = explainFailure(evidence({ error: example, provider: 'own' }))!
    t.equal(rule, code === 'no_result' && name === 'nothing-said' ? 'nothing-said' : name, example)
  }
  const names = [...MESSAGE_RULES, ...ENDING_REASONS, ...API_REASONS, ...EXIT_CODES, ...SIGNALS].map(({ name }) => name)
  t.equal(new Set(names).size, names.length)
  t.ok(Object.values(FAILURE_CATALOGUE).every((kind) => FAILURE_CLASSES.includes(kind.class)))
})

t.test('words that only look like a reason name none', async (t) => {
  const texts = [
    'Review rejected: two tests are missing', 'Expected 3 files, got 2', 'The spec is ambiguous, I stopped', 'Validation failed: title is required',
    'exit status 3', 'Claude ended with error_during_execution.', 'File not found: src/login.ts', 'Unexpected end of the plan', 'Merge conflict in src/app.ts',
    'Task failed with 3 errors', 'parse error in line 401: missing brace', 'processed 500 of 503 items', 'found 429 issues in 12 files', 'step 529 of 600 failed',
    'The turn failed.', 'The agent said that it failed.', 'Commit 403abc1 is not on main', 'The login page has no button', 'Could not apply the patch to session.ts',
    'Network tab shows nothing', 'the budget table is empty', 'Please add a test for the rate limiter', 'Deploy to staging failed', 'Model "Cart" has no field "total"',
    'git exited with 128', 'Not enough context to decide', 'Memory of the session was cleared', 'Killed the old branch', 'kill switch is on', 'timeout option is not set'
  ]
  for (const error of texts) {
    const { code, rule } = explainFailure(evidence({ provider: 'own', error, reason: 'error', exitCode: 1 }))!
    t.equal(code, 'unknown', `${error} (${rule})`)
  }
})

t.test('a run that did not fail has no failure', async (t) => {
  t.equal(explainFailure(evidence({ status: 'completed', failedCalls: [failedCall(3, 'npm test', 'not ok 1')] })), undefined)
  t.equal(explainFailure(evidence({ status: 'running' })), undefined)
})

const reader = createRecognisingAdapter(['sh', 'loop.sh'], knownFormats()) as CliAdapter<never>
const ADAPTERS: Readonly<Record<string, CliAdapter<never>>> = {
  'claude-2.1.330': claudeAdapter as CliAdapter<never>,
  'codex-0.169.0': createCodexAdapter() as CliAdapter<never>,
  'gemini-0.61.0': geminiAdapter as CliAdapter<never>,
  'opencode-1.18.33': reader,
  'qwen-0.24.4': reader,
  'copilot-1.0.102': reader,
  'kimi-2.1.0': reader,
  'cline-3.0.65': reader
}

/** Every recording that failed: its code, and how its first cause begins; all others succeeded. */
const RECORDED: Readonly<Record<string, readonly [code: FailureCode, cause?: string]>> = {
  'claude err-401': ['authentication', 'Invalid API key'],
  'claude err-500-3retries': ['api_error', 'API Error: 500'],
  'claude err-refused': ['network', 'API Error: Connection refused'],
  'claude kill-int-tool': ['cancelled', 'The run was interrupted'],
  'claude kill-kill-tool': ['killed'],
  'claude kill-term-tool': ['killed'],
  'claude max-turns': ['max_turns', 'Reached maximum number of turns (2)'],
  'codex err-401': ['authentication', 'unexpected status 401'],
  'codex err-500': ['overloaded', 'We’re currently experiencing high demand'],
  'codex err-cut': ['network', 'stream disconnected'],
  'codex err-usage-limit': ['usage_limit', 'You’ve hit your usage limit'],
  'codex kill-kill-tool': ['killed'],
  'codex kill-term-tool': ['killed'],
  'codex no-prompt': ['unknown'],
  'gemini empty': ['no_result', 'The model returned an empty response'],
  'gemini err-401': ['authentication', 'API error 401'],
  'gemini err-500': ['api_error', 'API error 500'],
  'gemini err-cut': ['network', '[API Error: terminated]'],
  'gemini kill-kill-tool': ['killed'],
  'gemini no-auth': ['authentication'],
  'opencode err-401': ['authentication', 'Incorrect API key'],
  'qwen err-401': ['authentication', '[API Error: 401'],
  'copilot err-401': ['authentication', 'Authentication failed'],
  'kimi err-401': ['authentication'],
  'cline err-401': ['authentication', 'Incorrect API key']
}

t.test('recordings that failed are explained; those that succeeded, with failures that were mended, are not', async (t) => {
  const seen = new Set<string>()
  for (const [cli, adapter] of Object.entries(ADAPTERS)) {
    for (const recorded of recordingsOf(cli)) {
      const provider = cli.replace(/-[\d.]+$/, '')
      const name = `${provider} ${recorded.name}`
      const failure = explainFailure(evidenceOf(provider, read(adapter, recorded)))
      const [code, cause] = RECORDED[name] ?? []
      t.equal(failure?.code, code, name)
      if (cause !== undefined) t.ok(failure?.firstError?.message.startsWith(cause), `${name}: ${failure?.firstError?.message}`)
      if (code !== undefined) seen.add(name)
      if (code !== undefined && /kill-.*-tool/.test(name)) t.match(failure?.openTool, { message: /^exec: / }, `${name}: the open call`)
      t.equal(failure?.resetAt, undefined, `${name}: no time was said`)
    }
  }
  t.same([...seen].sort(), Object.keys(RECORDED).sort())
})

t.test('what came first is the cause, and what was mended is none', async (t) => {
  const test = (seq: number, output: string, parts = {}) => failedCall(seq, 'npm test', output, parts)
  const build = failedCall(5, 'npm run build', 'src/a.ts(3,7): error TS2304: Cannot find name x.')
  const fails = test(9, 'AssertionError: 1 == 2\n    at src/a.test.ts:4:3')
  const explain = (parts: Partial<FailureEvidence>) => explainFailure(evidence({ reason: 'exit-code', exitCode: 1, ...parts }))!

  t.match(explain({ failedCalls: [build, fails] }), { code: 'command_failed', firstError: { seq: 5, location: { file: 'src/a.ts', line: 3 } } }, 'tests that did not build')
  t.match(explain({ failedCalls: [{ ...build, wasMended: true }, fails] }), { code: 'tests_failed', firstError: { seq: 9, callId: 'call_9' } }, 'the build was mended')
  t.equal(explain({ failedCalls: [{ ...build, wasMended: true }] }).code, 'unknown', 'nothing is left')
  const install = failedCall(3, 'npm ci', 'npm error code ENOSPC\nnpm error nospc ENOSPC: no space left on device, write')
  t.match(explain({ failedCalls: [install, fails] }), { code: 'command_failed', class: 'host', firstError: { seq: 3 } })
  t.match(explain({ failedCalls: [test(4, 'AssertionError: a'), test(9, 'AssertionError: b')] }), { attempts: 2, firstError: { seq: 9 } })
  t.equal(explain({ attempts: 7, failedCalls: [fails] }).attempts, 7)

  const errors = [{ seq: 3, message: 'ENOSPC: no space left on device, write' }, { seq: 4, message: 'Session could not be saved' }]
  t.match(explain({ errors, error: 'Session could not be saved' }), { code: 'cli_crashed', class: 'host', firstError: { seq: 3 } })
  const repeated = [4, 6, 8].map((seq) => ({ seq, message: 'unexpected status 401 Unauthorized' }))
  t.equal(explain({ errors: repeated, error: 'unexpected status 401 Unauthorized', failedCalls: [fails] }).firstError?.seq, 4)
  t.match(explain({ error: 'API Error: 529 Overloaded', reason: 'api_error', failedCalls: [fails] }), { code: 'overloaded' }, 'tests were red, but that did not end it')
  const waits = [{ seq: 12, message: 'Waiting for a retry after rate limit (10 of 10)', waitKind: 'rate_limit' }]
  t.match(explain({ waits, failedCalls: [fails], error: 'Claude ended without a result (exit code 1).', reason: 'no-result' }), { code: 'rate_limit', firstError: { seq: 12 } })
  t.match(explain({ waits, lastActivitySeq: 30, error: 'x', reason: 'no-result', failedCalls: [fails] }), { code: 'tests_failed' }, 'the wait was over')
  const early = [{ seq: 5, message: 'API Error: 500 Internal server error' }]
  t.match(explain({ errors: early, lastActivitySeq: 500, exitCode: 143, reason: 'no-result', error: 'Claude ended without a result (exit code 143).' }), { code: 'killed' }, 'it went on after that error')
  const asked = [{ seq: 6, message: 'Waiting for permission: Bash: git push', waitKind: 'person' }]
  t.match(explain({ waits: asked, failedCalls: [failedCall(5, 'git push', 'denied', { status: 'denied' })] }), { code: 'permission_denied', firstError: { seq: 5 } })
  t.match(explain({ provider: 'sh', error: 'ELIFECYCLE', lastWord: ' Test Files  1 failed | 1 passed (2)\n      Tests  1 failed | 5 passed (6)\n' }), { code: 'tests_failed' })
  t.match(explain({ reason: 'aborted', error: 'The run was aborted.', errors: [{ seq: 2, message: 'API Error: 500' }] }), { code: 'cancelled' })
})

t.test('the open call, the last word, the end of the process and the sentence are told', async (t) => {
  const failure = explainFailure(evidence({
    status: 'timeout',
    reason: 'timeout',
    error: 'The run took longer than 60000 ms and was ended.',
    exitCode: 143,
    stderrTail: 'warning: x',
    lastWord: 'Now the slow tests.',
    openCalls: [
      { seq: 6, callId: 'b', name: 'Bash', message: 'exec: npm test', startedAt: '2026-11-30T11:59:00.000Z', parentCallId: 'a' },
      { seq: 5, callId: 'a', name: 'Task', message: 'Task: run the tests', startedAt: '2026-11-30T11:58:00.000Z' }
    ]
  }))!
  t.same(failure, {
    summary: 'Out of time, during Task: run the tests: The run took longer than 60000 ms and was ended.',
    code: 'timeout',
    class: 'host',
    rule: 'reason-timeout',
    retryable: false,
    openTool: { seq: 5, callId: 'a', name: 'Task', message: 'Task: run the tests', elapsedMs: 120_000 },
    lastWord: 'Now the slow tests.',
    exitCode: 143,
    signal: null,
    stderrTail: 'warning: x'
  })
  const tests = explainFailure(evidence({ exitCode: 1, failedCalls: [failedCall(4, 'npm test', 'AssertionError: 3 !== 4\n    at src/add.test.js:3:8')] }))!
  t.equal(tests.summary, 'Tests failed: npm test: AssertionError: 3 !== 4 (src/add.test.js:3)')
})

t.test('the time of a reset is what was said', async (t) => {
  const at = Date.parse(ENDED_AT)
  const cases: Array<[message: string, expected: string | undefined, zone?: string]> = [
    ['Claude AI usage limit reached|1796050800', '2026-11-30T15:00:00.000Z'],
    ["You've hit your limit · resets 3pm (Europe/Berlin)", '2026-11-30T14:00:00.000Z'],
    ["You've hit your limit · resets 12:30pm (Europe/Berlin)", '2026-12-01T11:30:00.000Z'],
    ['5-hour limit reached ∙ resets 11pm', '2026-11-30T23:00:00.000Z'],
    ['5-hour limit reached ∙ resets 11pm', '2026-12-01T04:00:00.000Z', 'America/New_York'],
    ['Weekly limit reached ∙ resets Dec 6, 1pm', '2026-12-06T13:00:00.000Z'],
    ['Weekly limit reached ∙ resets Jan 2 at 9:15am (UTC)', '2027-01-02T09:15:00.000Z'],
    ['Opus weekly limit reached ∙ resets Monday 9am', '2026-12-07T09:00:00.000Z'],
    ["You've hit your usage limit. Try again at 3:05 PM.", '2026-11-30T15:05:00.000Z'],
    ["You've hit your usage limit. Upgrade to Pro or try again at Dec 4th, 2026 3:05 PM.", '2026-12-04T15:05:00.000Z'],
    ["You've hit your usage limit. Try again in 3 days 4 hours 12 minutes.", '2026-12-03T16:12:00.000Z'],
    ["You've hit your usage limit. Try again in 1 hour.", '2026-11-30T13:00:00.000Z'],
    ['Rate limit reached … Please try again in 1.898s.', '2026-11-30T12:00:01.898Z'],
    ['Rate limit reached … Please try again in 6m0s.', '2026-11-30T12:06:00.000Z'],
    ['Please try again in 20ms.', '2026-11-30T12:00:00.020Z'],
    ['Your quota will reset after 3h20m5s.', '2026-11-30T15:20:05.000Z'],
    ['Please retry in 34.07s.', '2026-11-30T12:00:34.070Z'],
    ['{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}', '2026-11-30T12:00:34.000Z'],
    ['Access resets at 3:00 PM PST.', '2026-11-30T23:00:00.000Z'],
    ['{"type":"usage_limit_reached","resets_at":1796050800}', '2026-11-30T15:00:00.000Z'],
    ['{"resets_in_seconds":3600}', '2026-11-30T13:00:00.000Z'],
    ['{"status":429,"retryAfter":30}', '2026-11-30T12:00:30.000Z'],
    ['retry-after: 30', '2026-11-30T12:00:30.000Z'],
    ['anthropic-ratelimit-tokens-reset: 2026-11-30T12:00:42Z', '2026-11-30T12:00:42.000Z'],
    ['Limit resets at 2026-12-01 00:00:00 UTC', '2026-12-01T00:00:00.000Z'],
    ['Monthly usage limit reached. It will reset in 3 days.', '2026-12-03T12:00:00.000Z'],
    ['resets tomorrow at 8am', '2026-12-01T08:00:00.000Z'],
    ['Please wait 1 hour 12 minutes before trying again', '2026-11-30T13:12:00.000Z'],
    // Nothing is made up.
    ['You have hit your usage limit, try again later.', undefined],
    ['Please wait and try again later.', undefined],
    ['Claude AI usage limit reached|1700000000', undefined],
    ['limit resets 3pm (Nowhere/Land)', undefined],
    ['Reset your password at 3pm', undefined],
    ['This is usually temporary — try again in a moment.', undefined],
    ['Reached maximum number of turns (25)', undefined]
  ]
  for (const [message, expected, zone = 'UTC'] of cases) t.equal(resetTimeOf(message, at, zone), expected, message)
  const limited = explainFailure(evidence(said('codex', "You've hit your usage limit. Try again in 5 minutes.", 'turn-failed')))!
  t.equal(limited.resetAt, '2026-11-30T12:05:00.000Z')
  const waits = [{ seq: 3, message: 'Waiting for the usage limit', waitKind: 'usage_limit', until: '2026-11-30T18:00:00.000Z' }]
  t.equal(explainFailure(evidence({ status: 'timeout', reason: 'timeout', waits }))?.resetAt, '2026-11-30T18:00:00.000Z')
  const backoff = [{ seq: 3, message: 'Waiting for a retry', waitKind: 'rate_limit', until: '2026-11-30T12:00:30.000Z' }]
  t.equal(explainFailure(evidence({ status: 'timeout', reason: 'timeout', waits: backoff }))?.resetAt, undefined, 'a pause between two tries is no reset')
})

const page = new URL('../../../docs/failures.md', import.meta.url)
const [begin, end] = ['<!-- begin: catalogue (npx tap test/lib/insight/failure.test.ts with UPDATE_DOCS=1) -->', '<!-- end: catalogue -->']

function catalogue (): string {
  const marks = [
    ...[...ENDING_REASONS, ...API_REASONS].map((mark) => ({ what: 'reason', ...mark })),
    ...EXIT_CODES.map((mark) => ({ what: 'exit code', ...mark })),
    ...SIGNALS.map((mark) => ({ what: 'signal', ...mark }))
  ]
  const overview = FAILURE_CODES.map((code) => {
    const { class: kind, retryable, means } = FAILURE_CATALOGUE[code]
    return `| [\`${code}\`](#${code}) | ${kind} | ${retryable ? 'yes' : 'no'} | ${means} |`
  })
  const differs = ({ class: kind, retryable }: { class?: string, retryable?: boolean }): string =>
    [kind, retryable === undefined ? undefined : retryable ? 'retryable' : 'not retryable'].filter((word) => word !== undefined).join(', ')
  const sections = FAILURE_CODES.map((code) => {
    const { class: kind, retryable, means, remedy } = FAILURE_CATALOGUE[code]
    const rows = [
      ...marks.filter((mark) => mark.code === code).map((mark) => {
        const programs = mark.providers === undefined ? '' : ` (of ${mark.providers.join(', ')})`
        return `| \`${mark.name}\` | ${mark.what}${programs} ${mark.values.map((value) => `\`${value}\``).join(', ')} | ${differs(mark)} |`
      }),
      ...MESSAGE_RULES.filter((rule) => rule.code === code).map((rule) =>
        `| \`${rule.name}\` | a message such as “${rule.example.replaceAll('|', '\\|')}” | ${differs(rule)} |`)
    ]
    const table = rows.length === 0 ? [] : ['', '| rule | evidence | where it differs |', '|---|---|---|', ...rows]
    return [`### ${code}`, '', `${means} ${remedy}`, '', `Class ${kind}, ${retryable ? 'retryable' : 'not retryable'}.`, ...table, ''].join('\n')
  })
  return ['| code | class | retryable | what it means |', '|---|---|---|---|', ...overview, '', ...sections].join('\n')
}

t.test('docs/failures.md shows the catalogue', async (t) => {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  t.ok(from < to)
  const updated = `${text.slice(0, from)}\n\n${catalogue()}\n${text.slice(to)}`
  if (process.env.UPDATE_DOCS === '1') writeFileSync(page, updated)
  else t.equal(text, updated, 'run it with UPDATE_DOCS=1')
})
