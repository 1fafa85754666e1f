/**
 * An agent of one's own, without a process: any async function that calls `onActivity` while it works. What an SDK
 * hands out as events becomes activities; here a small generator plays the SDK.
 *
 *     node sdk-agent.js [--database FILE] [--task ID]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { InvocationResult, InvokeOptions } from 'fastify-agent-timeline/providers'
import { openTimeline } from 'fastify-agent-timeline/recorder'

/** What the SDK of a model reports; yours has other names for it. */
type SdkEvent =
  | { readonly type: 'text', readonly text: string }
  | { readonly type: 'tool-call', readonly id: string, readonly name: string, readonly input: Record<string, unknown> }
  | { readonly type: 'tool-result', readonly id: string, readonly output: string, readonly failed?: boolean }
  | { readonly type: 'finish', readonly inputTokens: number, readonly outputTokens: number }

/** The adapter: turns events into activities, and the end into a result. */
async function invokeSdk (prompt: string, { onActivity = () => {}, signal }: InvokeOptions): Promise<InvocationResult> {
  const startedAt = Date.now()
  const calls = new Map<string, { readonly message: string, readonly tool: string, readonly startedAt: number }>()
  let response = ''
  let usage = { inputTokens: 0, outputTokens: 0 }
  const done = (end: Partial<InvocationResult>): InvocationResult => {
    const durationMs = Date.now() - startedAt
    return { success: true, response, usage, durationMs, exitCode: null, signal: null, timedOut: false, ...end }
  }
  try {
    for await (const event of runModel(prompt, signal)) {
      const timestamp = new Date()
      if (event.type === 'text') {
        response += event.text
        onActivity({ type: 'output', message: event.text, timestamp })
      } else if (event.type === 'tool-call') {
        const { id: callId, name: tool, input } = event
        // `exec: …` for shell commands, `<tool>: <target>` for others: one line that a person recognises.
        const message = `${tool}: ${String(Object.values(input)[0] ?? '')}`
        calls.set(callId, { message, tool, startedAt: Date.now() })
        onActivity({ type: 'tool_exec', message, timestamp, metadata: { callId, phase: 'start', tool, input } })
      } else if (event.type === 'tool-result') {
        const { id: callId, output: result, failed = false } = event
        const { message, tool, startedAt } = calls.get(callId)!
        onActivity({
          type: 'tool_exec',
          message,
          timestamp,
          metadata: {
            callId, phase: 'end', tool, status: failed ? 'error' : 'ok', durationMs: Date.now() - startedAt, result
          }
        })
      } else {
        usage = { inputTokens: event.inputTokens, outputTokens: event.outputTokens }
      }
    }
    return done({})
  } catch (error) {
    // Calls that are open now are ended as `aborted` by the recorder.
    const reason = signal?.aborted === true ? 'aborted' : 'sdk_error'
    return done({ success: false, error: String(error), reason })
  }
}

/** In your program: `client.messages.stream(…)`, `agent.run(…)`, … */
async function * runModel (prompt: string, signal?: AbortSignal): AsyncGenerator<SdkEvent> {
  const pause = async (): Promise<void> => { await sleep(50, undefined, signal === undefined ? {} : { signal }) }
  yield { type: 'text', text: `You asked: ${prompt}\n` }
  yield { type: 'tool-call', id: 'call_1', name: 'search', input: { query: 'verified email' } }
  yield { type: 'tool-call', id: 'call_2', name: 'read', input: { path: 'src/login.ts' } }
  await pause()
  yield { type: 'tool-result', id: 'call_2', output: 'No such file', failed: true }
  await pause()
  yield { type: 'tool-result', id: 'call_1', output: '3 matches' }
  yield { type: 'text', text: 'Only verified addresses are accepted now.' }
  yield { type: 'finish', inputTokens: 1200, outputTokens: 80 }
}

const { values: { database, task } } = parseArgs({
  options: { database: { type: 'string', default: './orchestrator.db' }, task: { type: 'string', default: 'sdk-example' } }
})
const timeline = await openTimeline({ database, closeOnSignal: true })
const prompt = 'Accept verified addresses only'
const result = await timeline.logInvocation(
  { taskId: task, role: 'coder', provider: 'my-sdk', model: 'my-model', prompt },
  async ({ onActivity, signal }) => await invokeSdk(prompt, { onActivity, signal })
)
await timeline.close()
console.log(result.success ? result.response : `Failed: ${result.error}`)
