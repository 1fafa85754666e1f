import { createServer } from 'node:http'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

const PIECE_MS = 10

/**
 * Stands in for a model's API, on this machine only.
 *
 * @param api makes of a request what the script says: `isModelRequest(url)`, `isTurn(body)`, `stepOf(body)`,
 *   `refuse()`, `respond({ url, body, turn, step })` with a whole `json` or `events` to stream
 * @param options.scripts by name; the prompt tells which
 * @param options.refuses answers every turn with 401
 */
export async function startModelServer (api, { scripts, refuses }) {
  const requests = []
  const server = createServer((request, response) => {
    answer(request, response).catch((error) => {
      requests.push({ error: String(error?.stack ?? error) })
      response.destroy()
    })
  })

  async function answer (request, response) {
    const parts = []
    for await (const part of request) parts.push(part)
    const body = parse(Buffer.concat(parts).toString())
    const url = request.url ?? ''
    const text = JSON.stringify(body ?? null)
    const name = /\[\[script:([\w-]+)\]\]/.exec(text)?.[1]
    const script = scripts[name]
    requests.push({ method: request.method, url, script: name })
    if (request.method !== 'POST' || !api.isModelRequest(url)) return json(response, 404, { error: { message: 'not found' } })
    if (refuses && api.isTurn(body)) {
      const { status, headers, json: refusal } = api.refuse()
      return json(response, status, refusal, headers)
    }
    const step = api.stepOf(body)
    const turn = script?.[step] ?? { text: 'ok' }
    const reply = api.respond({ url, body, turn, step })
    requests.at(-1).step = step
    requests.at(-1).isAnswered = true
    requests.at(-1).isTurn = api.isTurn(body)
    if (reply.json !== undefined) return json(response, 200, reply.json)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    for (const event of reply.events) {
      response.write(event)
      await sleep(PIECE_MS)
    }
    response.end()
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    requests,
    close () {
      server.close()
      server.closeAllConnections()
    }
  }
}

/** One more than the highest step that the ids of a conversation's tool calls tell. */
export function nextStep (conversation, ids) {
  return 1 + Math.max(-1, ...[...JSON.stringify(conversation).matchAll(ids)].map(([, step]) => Number(step)))
}

/** A text as models send it: in pieces that end anywhere. */
export function pieces (text, characters = 24) {
  const all = [...text]
  return Array.from({ length: Math.max(1, Math.ceil(all.length / characters)) },
    (_, index) => all.slice(index * characters, (index + 1) * characters).join(''))
}

/** One event of `text/event-stream`. Some clients take U+2028 and U+2029 for the end of a line. */
export function serverSentEvent (type, data) {
  const json = JSON.stringify(data).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
  return `${type === undefined ? '' : `event: ${type}\n`}data: ${json}\n\n`
}

function json (response, status, value, headers = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(JSON.stringify(value))
}

function parse (text) {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
