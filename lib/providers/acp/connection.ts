import { once } from 'node:events'
import type { Writable } from 'node:stream'
import { timelineError } from '../../errors.js'
import { compact, number, object, string, type JsonObject } from '../json.js'

/** An error that the agent answered with. */
export class AcpError extends Error {
  override readonly name = 'AcpError'
  readonly code: number | undefined

  constructor (message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** The client's side of one connection with an agent. */
export interface AcpConnection {
  /** Sends a request. @throws AcpError when it is refused */
  call (method: string, params: object): Promise<JsonObject>
  notify (method: string, params: object): void
  /** Takes a message that came in; gives notifications back to the caller, in their order. */
  receive (message: JsonObject): { readonly method: string, readonly params: JsonObject } | undefined
  /** Refuses the requests that have no answer yet. */
  close (): void
}

/** Answers `session/request_permission`; everything else the agent asks for is refused. */
export type AnswerPermission = (params: JsonObject) => Promise<object>

/** Loaded only where it is needed: hosts without ACP do not install it. */
const importSdk = async (): Promise<typeof import('@agentclientprotocol/sdk')> => {
  // A variable, and the comments: no bundler is to fail where it is not installed.
  const name = '@agentclientprotocol/sdk'
  return await import(/* webpackIgnore: true */ /* @vite-ignore */ name) as typeof import('@agentclientprotocol/sdk')
}

/** @throws AGENT_TIMELINE_ACP_SDK_MISSING when the protocol's SDK is not installed, or is of another version */
export async function requireSdk (load: () => Promise<object> = importSdk): Promise<void> {
  let problem = 'version 2 is needed'
  let cause: unknown
  try {
    const sdk = await load()
    if ('client' in sdk) return
  } catch (error) {
    problem = 'it is not installed'
    cause = error
  }
  throw timelineError('AGENT_TIMELINE_ACP_SDK_MISSING', [problem], cause)
}

/**
 * Connects to an agent through the protocol's official SDK, which numbers and matches requests, answers what the agent
 * asks and carries cancellation.
 *
 * Three things pass it by. Lines are cut by our own reader, which caps them and makes a fast agent wait (the SDK's
 * stream takes them in without a limit). Notifications go straight to the adapter: the SDK parses a `session/update`
 * with the schema of one version, prints on stderr what does not fit and drops it, while an update that is new must be
 * seen; and it handles them a few turns later than the answers around them. Answers to nothing are dropped here,
 * because the SDK prints them on stderr, too. Its stable entry serves both versions of the protocol: it checks no
 * answers, and the entry for version 2 is announced to change in any release.
 */
export async function connectAcp (output: Writable, answerPermission: AnswerPermission): Promise<AcpConnection> {
  const { client } = await importSdk()
  const asked = new Set<unknown>()
  let incoming: ReadableStreamDefaultController | undefined
  let isClosed = false
  const readable = new ReadableStream({ start (controller) { incoming = controller }, cancel () { isClosed = true } })
  const writable = new WritableStream({
    async write (message: { readonly id?: unknown, readonly method?: string }) {
      if (message.method !== undefined && message.id !== undefined) asked.add(message.id)
      if (output.writable && !output.write(`${JSON.stringify(message)}\n`)) await once(output, 'drain').catch(() => {})
    }
  })
  const connection = client({ name: 'fastify-agent-timeline' })
    .onRequest('session/request_permission', object, async ({ params }) => await answerPermission(params) as never)
    .connect({ readable, writable })

  return {
    async call (method, params) {
      try {
        return object(await connection.agent.request(method, params))
      } catch (error) {
        throw acpError(error)
      }
    },
    notify (method, params) {
      connection.agent.notify(method, params).catch(() => {}) // closed meanwhile
    },
    receive (message) {
      const method = string(message.method)
      if (method !== undefined && message.id === undefined && !method.startsWith('$/')) {
        return { method, params: object(message.params) }
      }
      const isKnown = method !== undefined || asked.delete(message.id)
      if (isKnown && !isClosed) incoming!.enqueue({ jsonrpc: '2.0', ...message })
      return undefined
    },
    close () {
      isClosed = true
      connection.close()
    }
  }
}

/** What the agent says in words is in `data` of some. */
function acpError (error: unknown): AcpError {
  const { message, code, data } = error as JsonObject
  const details = string(object(data).details) ?? string(object(data).message)
  const text = string(message) ?? 'Unknown error.'
  return new AcpError(details === undefined ? text : `${text}: ${details}`, ...Object.values(compact({ code: number(code) })))
}
