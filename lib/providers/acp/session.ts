import type { ActivityLog } from '../activity-log.js'
import type { AcpConversation, PermissionDecision } from './conversation.js'
import type { AcpState } from './state.js'
import { isTimelineError } from '../../errors.js'
import { isRefused, whenSignedIn } from './auth.js'
import { AcpError, connectAcp, type AcpConnection } from './connection.js'
import { acpToolAsked } from './tools.js'
import { readUsage, usageOfRun } from './usage.js'
import { flushThought } from './updates.js'
import { compact, object, objects, string, type JsonObject } from '../json.js'
import { reportUsage } from '../usage.js'
import { sleep } from '../../time/timers.js'

/** Updates may follow the answer to the prompt: titles, the end of a sub-agent. */
const LATE_UPDATES_MS = 250
/** Closing stdin ends most agents; who stays is ended. */
const LEAVE_MS = 1_000

/** Holds one turn with an agent: settles when it has had time to leave. What went wrong is in `state.error`. */
export async function converse (conversation: AcpConversation): Promise<void> {
  const { stdin, state, log, stopping } = conversation
  const agent = await connectAcp(stdin, async (params) => await answer(params, conversation))
  state.connection = agent
  stdin.once('close', () => { agent.close() })
  const cancel = (): void => {
    if (state.sessionId !== undefined) agent.notify('session/cancel', { sessionId: state.sessionId })
  }
  stopping.addEventListener('abort', cancel)
  try {
    await takeTurn(agent, conversation)
    flushThought(state, log)
    await pause(LATE_UPDATES_MS, stopping)
    reportUsage(log, usageOfRun(state))
  } catch (error) {
    if (stdin.destroyed) return // the agent is gone: how it ended says more
    fail(error, state, log)
  }
  flushThought(state, log)
  stdin.end()
  await pause(LEAVE_MS, stopping)
}

function fail (error: unknown, state: AcpState, log: ActivityLog): void {
  if (isTimelineError(error)) {
    state.error = error.message
    state.reason = 'authentication'
    log.error(error.message, { code: error.code })
    return
  }
  state.error = error instanceof AcpError ? readable(error.message) : String(error)
  // A turn that is refused is not tried again: a wrong key is refused each time, and signing in might ask a person.
  if (isRefused(error)) state.reason = 'authentication'
  log.error(state.error, compact({ code: error instanceof AcpError ? error.code : undefined }))
}

/** Over at once when the run is to end. */
async function pause (ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}

async function takeTurn (rpc: AcpConnection, conversation: AcpConversation): Promise<void> {
  const { call, state, log } = conversation
  const clientInfo = { name: 'fastify-agent-timeline', version: '1' }
  const agent = await rpc.call('initialize', conversation.protocolVersion === 2
    ? { protocolVersion: 2, info: clientInfo, capabilities: {} }
    : { protocolVersion: 1, clientInfo, clientCapabilities: {} })
  const session = await whenSignedIn(rpc, agent, conversation, async () => await openSession(rpc, agent, conversation))
  log.progress('session', `Session ${state.sessionId ?? 'started'}`, compact({
    sessionId: state.sessionId,
    agent: string(object(agent.agentInfo ?? agent.info).name),
    protocolVersion: agent.protocolVersion
  }))
  if (call.model !== undefined) await chooseModel(rpc, session, call.model, conversation)
  const idle = new Promise<void>((resolve) => { state.onIdle = resolve })
  const prompt = [{ type: 'text', text: call.prompt }]
  const done = await rpc.call('session/prompt', { sessionId: state.sessionId, prompt })
  state.hasBegun = true
  const stopReason = string(done.stopReason)
  if (stopReason === undefined) await idle
  else state.stopReason = stopReason
  readUsage(done.usage ?? object(object(done._meta).quota).token_count ?? object(done._meta).usage, state)
}

async function openSession (rpc: AcpConnection, agent: JsonObject, conversation: AcpConversation): Promise<JsonObject> {
  const { call, cwd, state } = conversation
  const place = { cwd, mcpServers: [] }
  if (call.sessionId === undefined) {
    const session = await rpc.call('session/new', place)
    const sessionId = string(session.sessionId)
    if (sessionId !== undefined) state.sessionId = sessionId
    return session
  }
  const { sessionId } = call
  state.sessionId = sessionId
  const capabilities = object(agent.agentCapabilities ?? agent.capabilities)
  // Every agent of version 2 can.
  const canResume = agent.protocolVersion === 2 || object(capabilities.sessionCapabilities).resume !== undefined
  // Loading tells the whole history again.
  state.isReplaying = !canResume
  const session = await rpc.call(canResume ? 'session/resume' : 'session/load', { sessionId, ...place })
  state.isReplaying = false
  return session
}

/** The model is one of the session's options, or else has a method of its own. A wrong name does not end the run. */
async function chooseModel (
  rpc: AcpConnection, session: JsonObject, model: string, { state, log }: AcpConversation
): Promise<void> {
  const { sessionId } = state
  const options = objects(session.configOptions).map((option) => ({ ...option, id: option.id ?? option.configId }))
  const option = options.find(({ id, category }: JsonObject) => category === 'model' || id === 'model')
  try {
    if (option === undefined) await rpc.call('session/set_model', { sessionId, modelId: model })
    else await rpc.call('session/set_config_option', { sessionId, configId: option.id, type: 'id', value: model })
    state.model = model
  } catch (error) {
    log.progress('notice', `The model ${model} could not be chosen: ${String(error)}`, { what: 'model' })
  }
}

/** Only permissions are answered: files and terminals are the agent's own, as in its command-line modes. */
async function answer (params: JsonObject, { state, log, decide, stopping }: AcpConversation): Promise<object> {
  flushThought(state, log)
  // Version 2 has it in the `subject`, which may also be a command without a call.
  const subject = object(params.subject)
  const toolCall: JsonObject = { title: params.title, ...object(params.toolCall ?? subject.toolCall ?? subject) }
  acpToolAsked(toolCall, state, log)
  if (typeof decide === 'string') tellPolicy(decide, state, log)
  const isAllowed = typeof decide === 'string' ? decide === 'allow' : await ask(toolCall, decide, log, stopping)
  if (isAllowed === undefined) return { outcome: { outcome: 'cancelled' } }
  const options = objects(params.options)
  const wanted = isAllowed ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always']
  const option = wanted.flatMap((kind) => options.filter((option) => option.kind === kind))[0]
  const callId = string(toolCall.toolCallId)
  if (!isAllowed && callId !== undefined) {
    log.toolEnd(callId, { status: 'denied' })
    state.calls.delete(callId)
  }
  if (option === undefined) return { outcome: { outcome: 'cancelled' } }
  return { outcome: { outcome: 'selected', optionId: option.optionId } }
}

/** Once: what is answered to every question of the run, without asking anybody. */
function tellPolicy (decide: 'allow' | 'deny', state: AcpState, log: ActivityLog): void {
  if (state.isPolicyTold) return
  state.isPolicyTold = true
  const answered = decide === 'allow' ? 'allowed' : 'denied'
  log.progress('notice', `What the agent asks permission for is ${answered}, nobody is asked`, { what: 'permission', policy: decide })
}

/** @returns undefined when the run ended before there was an answer */
async function ask (
  toolCall: JsonObject, decide: PermissionDecision, log: ActivityLog, stopping: AbortSignal
): Promise<boolean | undefined> {
  const callId = string(toolCall.toolCallId) ?? ''
  const title = string(toolCall.title) ?? 'a tool'
  log.waiting('person', `Waiting for permission: ${title}`, { what: 'permission', callId })
  const details = compact({ kind: string(toolCall.kind), input: toolCall.rawInput })
  const ended = new Promise<undefined>((resolve) => {
    if (stopping.aborted) resolve(undefined)
    stopping.addEventListener('abort', () => { resolve(undefined) }, { once: true })
  })
  const isAllowed = await Promise.race([decide({ callId, title, ...details }), ended])
  if (isAllowed === undefined) return undefined
  log.progress('notice', `Permission ${isAllowed ? 'given' : 'denied'}: ${title}`, { what: 'permission', callId })
  return isAllowed
}

/** Some agents answer with the body of the API's answer. */
function readable (message: string): string {
  try {
    const { code, message: text } = object(object(JSON.parse(message)).error)
    return string(text) === undefined ? message : `API error ${String(code)}: ${String(text)}`
  } catch {
    return message
  }
}
