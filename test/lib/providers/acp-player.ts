/**
 * Plays the agent's side of a recorded ACP conversation: `acp-player FILE.traffic.ndjson`. What the agent said after a
 * request of the client is said when the same request comes; answers of the client are waited for.
 */
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

interface Message { id?: number, method?: string, params?: object, result?: unknown, error?: unknown }

const skipped = new Set(['session/set_mode'])
const traffic = readFileSync(process.argv[2]!, 'utf8').split('\n').filter((line) => line !== '')
  .map((line) => JSON.parse(line) as { dir: string, msg: Message })
const ids = new Map<number, number>()
const dropped = new Set<number>()
const inbox: Message[] = []
let wake = (): void => {}
let isOver = false
createInterface({ input: process.stdin }).on('line', (line) => {
  inbox.push(JSON.parse(line) as Message)
  wake()
}).on('close', () => {
  isOver = true
  wake()
})

async function receive (fits: (message: Message) => boolean): Promise<Message> {
  for (;;) {
    const at = inbox.findIndex(fits)
    if (at !== -1) return inbox.splice(at, 1)[0]!
    if (isOver) process.exit(0)
    await new Promise<void>((resolve) => { wake = resolve })
  }
}

for (const { dir, msg } of traffic) {
  if (dir === 'client->agent') {
    if (msg.method !== undefined && msg.id === undefined) continue
    if (msg.method !== undefined && skipped.has(msg.method)) dropped.add(msg.id!)
    else if (msg.method === undefined) await receive(({ id, method }) => method === undefined && id === msg.id)
    else ids.set(msg.id!, (await receive(({ method }) => method === msg.method)).id!)
  } else if (msg.method === undefined && dropped.has(msg.id!)) {
    continue
  } else {
    const id = msg.method === undefined ? ids.get(msg.id!) : msg.id
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...msg, ...(id !== undefined && { id }) })}\n`)
  }
}
