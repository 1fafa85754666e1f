import { timelineError } from '../../errors.js'
import { AcpError, type AcpConnection } from './connection.js'
import type { AcpConversation } from './conversation.js'
import { compact, object, objects, string, type JsonObject } from '../json.js'
import { clearTimeout, setTimeout } from '../../time/timers.js'

/** What the protocol has agents answer while nobody is signed in. */
const AUTH_REQUIRED = -32_000
/** An agent that takes longer has opened a browser or asks for a code, in milliseconds. */
const PERSON_MS = 2_000

/** A way to sign in that an agent offers. */
interface AuthMethod {
  readonly id: string
  readonly name: string
  readonly description?: string
  /** Only in a terminal of its own: not for us to begin. */
  readonly isInteractive: boolean
}

/**
 * Does what needs somebody who is signed in. Where the option `authMethod` names a method, it is used first. Otherwise
 * only when the agent refuses: the method that it calls its default, or else the only one that needs no terminal.
 *
 * @throws AGENT_TIMELINE_SIGN_IN_NEEDED when there is no such method, or signing in changed nothing
 */
export async function whenSignedIn<T> (
  rpc: AcpConnection, agent: JsonObject, conversation: AcpConversation, action: () => Promise<T>
): Promise<T> {
  const { state, authMethod } = conversation
  if (authMethod !== undefined && !state.isSignedIn) await signIn(rpc, agent, conversation)
  try {
    return await action()
  } catch (error) {
    if (!isRefused(error)) throw error
    if (state.isSignedIn) throw needed(agent, `it says ${error.message} after signing in`, error)
    await signIn(rpc, agent, conversation, error)
  }
  try {
    return await action()
  } catch (error) {
    throw isRefused(error) ? needed(agent, `it says ${error.message} after signing in`, error) : error
  }
}

/** The agent says that nobody is signed in, or that who is has no right to go on. */
export function isRefused (error: unknown): error is AcpError {
  return error instanceof AcpError && error.code === AUTH_REQUIRED
}

async function signIn (
  rpc: AcpConnection, agent: JsonObject, { state, log, authMethod }: AcpConversation, refusal?: AcpError
): Promise<void> {
  const methods = authMethods(agent)
  if (methods.length === 0 && refusal === undefined) return // it knows who we are
  const method = choose(methods, agent, authMethod)
  if (method === undefined) {
    const said = refusal === undefined ? '' : `it says ${refusal.message}, and `
    const wanted = authMethod === undefined ? '' : ` ${authMethod} is none of them;`
    const advice = 'sign in with its own program, or name a method in authMethod'
    throw needed(agent, `${said}offers ${listed(methods)};${wanted} ${advice}`, refusal)
  }
  const timer = setTimeout(() => {
    log.waiting('person', `Signing in with ${method.name}: the agent may wait for a person`, { what: 'sign-in' })
  }, PERSON_MS)
  try {
    await rpc.call(agent.protocolVersion === 2 ? 'auth/login' : 'authenticate', { methodId: method.id })
  } catch (error) {
    if (!(error instanceof AcpError)) throw error
    throw needed(agent, `signing in with ${method.id} failed: ${error.message}`, error)
  } finally {
    clearTimeout(timer)
  }
  state.isSignedIn = true
  log.progress('notice', `Signed in with ${method.name}`, { what: 'sign-in', method: method.id })
}

/** The version 2 draft calls the id `methodId`. Copilot says in `_meta` that a method is for a terminal. */
function authMethods (agent: JsonObject): AuthMethod[] {
  return objects(agent.authMethods).flatMap((method) => {
    const id = string(method.id) ?? string(method.methodId)
    if (id === undefined) return []
    const description = string(method.description)
    const isInteractive = method.type === 'terminal' || object(method._meta)['terminal-auth'] !== undefined
    return [{ id, name: string(method.name) ?? id, ...compact({ description }), isInteractive }]
  })
}

function choose (methods: readonly AuthMethod[], agent: JsonObject, wanted?: string): AuthMethod | undefined {
  if (wanted !== undefined) return methods.find(({ id }) => id === wanted)
  const possible = methods.filter(({ isInteractive }) => !isInteractive)
  const preferred = string(object(agent._meta).defaultAuthMethodId)
  return possible.find(({ id }) => id === preferred) ?? (possible.length === 1 ? possible[0] : undefined)
}

function listed (methods: readonly AuthMethod[]): string {
  if (methods.length === 0) return 'no method'
  return methods.map(({ id, name, description }) => `${id} (${description ?? name})`).join(', ')
}

function needed (agent: JsonObject, why: string, cause?: unknown): Error {
  const { title, name } = object(agent.agentInfo ?? agent.info)
  return timelineError('AGENT_TIMELINE_SIGN_IN_NEEDED', [string(title) ?? string(name) ?? 'The agent', why], cause)
}
