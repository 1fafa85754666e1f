// Many viewers in one process, as cheap as can be: raw sockets, chunks decoded by hand.
//
// Every viewer's events go through a running checksum. The first viewer and every twentieth are read frame by frame as
// well: numbers in order, contents complete, none missing; all others must come to the same checksum after the same
// number of bytes. So each event of each viewer is checked for number, order and content.
import { obey } from './child.mjs'
import { SseReader } from './sse-reader.mjs'

const READ_EVERY = 20
const POLL_MS = 10

const [port, path, count, mode] = process.argv.slice(2)
const viewers = []

function connect (index) {
  const reader = new SseReader({ port: Number(port), path, isRead: index % READ_EVERY === 0, isSilent: mode === 'silent' })
  viewers.push(reader)
  return reader.opened
}

/** Resolves when everybody has seen exactly `events` events and agrees on them. */
async function reach (events) {
  for (;;) {
    for (const { failure } of viewers) if (failure !== undefined) throw failure
    const [{ bytes, checksum }] = viewers
    const haveArrived = viewers.every((viewer) => viewer.isRead ? viewer.events === events : viewer.bytes >= bytes)
    if (haveArrived && viewers.every((viewer) => viewer.bytes === bytes)) {
      const odd = viewers.findIndex((viewer) => viewer.checksum !== checksum)
      if (odd >= 0) throw new Error(`viewer ${odd} has seen other bytes than the first`)
      return
    }
    await new Promise((resolve) => { setTimeout(resolve, POLL_MS) })
  }
}

const COMMANDS = {
  async reach ({ events }) { await reach(events) },
  /** Milliseconds between due and seen, of all viewers that are read, since the last call. */
  latencies () { return viewers.flatMap((viewer) => viewer.takeLatencies()) }
}

for (let index = 0; index < Number(count); index += 50) {
  await Promise.all(Array.from({ length: Math.min(50, count - index) }, (_, offset) => connect(index + offset)))
}
obey(COMMANDS, { open: viewers.length })
