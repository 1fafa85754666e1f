import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'

/** Two clocks tell the time of a row and that of its arrival; both are rounded. */
const ROUNDING_MS = 5
/** More than the server keeps for a viewer (1 MiB) and a socket for both ends: whoever misses so much was paused. */
const PAUSED_BYTES = 1.5 * 1024 * 1024

/** One viewer's position in one task's log. */
class Position {
  seq = 0
  epoch
  head = 0
  server
}

/**
 * Compares a viewer's list with the history: the same events, in order, each once, and gaps exactly where rows were
 * gone when they were told.
 *
 * @returns {Promise<Map<string, string>>} by task, the cursor at which the list ends
 */
export async function checkList (path, name, logs, counts, violations) {
  const positions = new Map()
  let lineNumber = 0
  for await (const line of createInterface({ input: createReadStream(path) })) {
    lineNumber++
    const words = line.split(' ')
    const at = Number(words.pop()) + ROUNDING_MS
    const [what, taskId, ...rest] = words
    if (!positions.has(taskId)) positions.set(taskId, new Position())
    const tell = (problem) => violations.push(`${name}:${lineNumber} ${taskId}: ${problem}`)
    CHECKS[what](positions.get(taskId), rest, { at, taskId, logs, counts, tell })
  }
  return new Map([...positions].map(([taskId, { seq, epoch }]) => [taskId, epoch === undefined ? '' : `${seq}.${epoch}`]))
}

const CHECKS = {
  C (position, [cursor, server], { counts, tell }) {
    counts.connections++
    const [seq, epoch] = cursor.split('.')
    // A cursor that was refused is sent again until an event has come after the refusal.
    if (position.epoch === undefined && cursor !== '-') Object.assign(position, { seq: Number(seq), epoch })
    if (position.epoch !== undefined && cursor !== `${position.seq}.${position.epoch}`) tell(`the viewer sent ${cursor}`)
    if (position.server !== undefined && position.server !== server) counts.moves++
    position.server = server
  },

  S (position, [, head]) {
    position.head = Number(head)
  },

  E (position, [epoch, number, digest], { at, taskId, logs, counts, tell }) {
    const seq = Number(number)
    enter(position, epoch, tell)
    if (seq !== position.seq + 1) tell(`${number} came after ${position.seq}`)
    const log = logs.get(`${taskId} ${epoch}`)
    if (log?.digests[seq] === undefined) tell(`${number}.${epoch} was shown and never stored`)
    else if (log.digests[seq] !== digest) tell(`${number}.${epoch} was shown as something else`)
    else if (log.at[seq] > at) tell(`${number}.${epoch} was shown before it was stored`)
    position.seq = seq
    counts[seq > position.head ? 'live' : 'replayed']++
  },

  G (position, [epoch, from, to, reason], { at, taskId, logs, counts, tell }) {
    const [fromSeq, toSeq] = [Number(from), Number(to)]
    enter(position, epoch, tell)
    if (fromSeq !== position.seq + 1 || toSeq < fromSeq) tell(`the gap ${from} to ${to} came after ${position.seq}`)
    const log = logs.get(`${taskId} ${epoch}`)
    for (let seq = fromSeq; seq <= toSeq; seq++) {
      if (log?.wasDeleted(seq, at) !== true) tell(`${seq}.${epoch} was told to be ${reason} and was there`)
    }
    if (reason === 'expired' && log?.floorAt(at) < toSeq) tell(`the gap ${from} to ${to} was told to be expired, the floor is lower`)
    position.seq = toSeq
    counts.gaps++
    counts[reason]++
  },

  U (position, _, { at, taskId, logs, counts, tell }) {
    const known = [...logs].filter(([key]) => key.startsWith(`${taskId} ${position.epoch ?? ''}`))
    if (!known.some(([, { goneAt }]) => goneAt <= at)) tell(`the cursor ${position.seq}.${position.epoch} is known and was refused`)
    position.seq = 0
    position.epoch = undefined
    counts.gaps++
    counts.unknownCursor++
  },

  P () {},

  R (position, [how], { at, taskId, logs, counts }) {
    counts.stops++
    const log = logs.get(`${taskId} ${position.epoch}`)
    if (log === undefined || how !== 'flooded') return
    let bytes = 0
    for (let seq = position.seq + 1; seq <= log.lastSeq && log.at[seq] < at; seq++) bytes += log.bytes[seq]
    if (bytes > PAUSED_BYTES) counts.paused++
  },

  '!' (position, [what], { tell }) {
    tell(what)
  },

  X (position, [cause], { counts }) {
    if (cause === 'while-paused') counts.endedWhilePaused++
    if (cause.startsWith('status-')) counts.refused++
  }
}

/** A list without a past takes the epoch that it is given; every other goes on in its own. */
function enter (position, epoch, tell) {
  if (position.epoch === undefined && position.seq === 0) position.epoch = epoch
  else if (position.epoch !== epoch) tell(`${epoch} went on where ${position.epoch} was`)
}
