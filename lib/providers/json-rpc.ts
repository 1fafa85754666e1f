import type { Writable } from 'node:stream'
import { compact, number, object, string, type JsonObject } from './json.js'

/** An error that the other side answered with. */
export class RpcError extends Error {
  override readonly name = 'RpcError'
  readonly code: number | undefined

  constructor (message: string, code?: number) {
    super(message)
    this.code = code
  }
}

/** What the other side asks us; the answer is its result. Throws {@link RpcError} to refuse. */
export type RpcRequestHandler = (method: string, params: JsonObject) => Promise<unknown>

/** One side of a JSON-RPC 2.0 connection with one message a line. */
export interface JsonRpc {
  /** Sends a request. @throws RpcError when it is refused */
  call (method: string, params: object): Promise<JsonObject>
  /** Takes a message that came in; gives notifications back to the caller. */
  receive (message: JsonObject): { readonly method: string, readonly params: JsonObject } | undefined
}

/** Speaks JSON-RPC over a stream. */
export function createJsonRpc (output: Writable, onRequest: RpcRequestHandler): JsonRpc {
  const waiting = new Map<number, { resolve: (result: JsonObject) => void, reject: (error: Error) => void }>()
  let lastId = 0

  function send (message: object): void {
    if (output.writable) output.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  }

  async function answer (id: unknown, method: string, params: JsonObject): Promise<void> {
    try {
      send({ id, result: await onRequest(method, params) })
    } catch (error) {
      const code = error instanceof RpcError ? error.code : undefined
      send({ id, error: { code: code ?? -32_603, message: error instanceof Error ? error.message : String(error) } })
    }
  }

  return {
    async call (method, params) {
      const id = ++lastId
      return await new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        send({ id, method, params })
      })
    },
    receive (message) {
      const method = string(message.method)
      const params = object(message.params)
      if (method !== undefined && message.id === undefined) return { method, params }
      if (method !== undefined) {
        answer(message.id, method, params).catch(() => {})
        return undefined
      }
      const id = number(message.id)
      const call = id === undefined ? undefined : waiting.get(id)
      if (call === undefined) return undefined
      waiting.delete(id!)
      if (message.error === undefined) call.resolve(object(message.result))
      else call.reject(rpcError(object(message.error)))
      return undefined
    }
  }
}

function rpcError ({ message, code, data }: JsonObject): RpcError {
  const details = string(object(data).details) ?? string(object(data).message)
  const text = string(message) ?? 'Unknown error.'
  return new RpcError(details === undefined ? text : `${text}: ${details}`, ...Object.values(compact({ code: number(code) })))
}
