import type { Meter } from '../meter.js'
import type { ActivityOp, Op } from '../model/operations.js'
import type { Run } from './run.js'

/** An operation in the queue, with those who wait for its commit. */
export interface Entry {
  readonly op: Op<Run>
  bytes: number
  settle?: ((error?: unknown) => void) | undefined
}

/** Between two lines, or two words: nobody can take what is joined there for one. */
const ENDS_WITH_SPACE = /\s$/
const BEGINS_WITH_SPACE = /^\s/

/** Pieces of output up to this many characters may share a row, as far as the row stays this small. */
const SMALL_PIECE_CHARS = 128
const JOINED_PIECES_CHARS = 4_096

/** What an entry costs besides its text, in bytes; measured roughly. */
const ENTRY_BYTES = 64

/**
 * What waits to be written, in order and within a number of bytes.
 *
 * When it is full, output gives way: what is dropped is counted on its run. Other activities do so only at twice the
 * bytes.
 */
export interface Queue {
  readonly size: number
  /** What the entries take, roughly. */
  readonly bytes: number
  /** Less than half full: what was dropped can be told without dropping more. */
  readonly hasRoom: boolean
  push (op: Op<Run>, settle?: (error?: unknown) => void): void
  /** The first entries, which stay queued until {@link Queue.remove}. */
  peek (maxRows: number, maxBytes: number): readonly Entry[]
  remove (count: number): void
}

export function createQueue (maxBytes: number, meter: Meter): Queue {
  let entries: Entry[] = []
  let head = 0
  /** Entries before this index are in the batch that is being written. */
  let taken = 0
  let bytes = 0
  /** Where the search for output to drop goes on. */
  let dropFrom = 0

  function joinsLast (op: ActivityOp<Run>): boolean {
    const entry = entries.length > taken ? entries.at(-1) : undefined
    const last = entry?.op
    if (entry === undefined || last?.kind !== 'activity' || last.run !== op.run || last.isDropped) return false
    const isPlain = last.type === 'output' && op.type === 'output' && last.metadata === null && op.metadata === null
    if (!isPlain || op.message.length >= SMALL_PIECE_CHARS || last.message.length >= JOINED_PIECES_CHARS) return false
    if (last.pieces === 1 && last.message.length >= SMALL_PIECE_CHARS) return false
    // Two whole messages are not one.
    const isSeamless = last.isDelta && op.isDelta
    if (!isSeamless && !ENDS_WITH_SPACE.test(last.message) && !BEGINS_WITH_SPACE.test(op.message)) return false
    last.message += op.message
    last.pieces++
    entry.bytes += op.message.length
    bytes += op.message.length
    return true
  }

  function drop (op: ActivityOp<Run>, size: number): void {
    op.run.droppedPieces += op.pieces
    op.run.droppedBytes += size
    meter.outputDropped(op.pieces)
  }

  /** Makes room by emptying the oldest output that is not being written yet. */
  function makeRoom (needed: number): void {
    for (dropFrom = Math.max(dropFrom, taken); dropFrom < entries.length && bytes + needed > maxBytes; dropFrom++) {
      const entry = entries[dropFrom] as Entry
      const { op } = entry
      if (op.kind !== 'activity' || op.type !== 'output' || op.isDropped) continue
      drop(op, op.message.length)
      bytes -= entry.bytes - ENTRY_BYTES
      entry.bytes = ENTRY_BYTES
      op.isDropped = true
      op.message = ''
      op.metadata = null
      op.cutEnd = undefined
    }
  }

  return {
    get size () { return entries.length - head },
    get bytes () { return bytes },
    get hasRoom () { return bytes * 2 < maxBytes },

    push (op, settle) {
      if (op.kind === 'activity' && settle === undefined && joinsLast(op)) return
      const size = ENTRY_BYTES + sizeOf(op)
      // A run's end is one, and the row that tells what was dropped must not drop more.
      if (bytes + size > maxBytes && op.kind === 'activity' && !op.isPrepared) {
        if (op.type === 'output') return drop(op, op.message.length)
        makeRoom(size)
        // Nothing but other activities is left, as much again as may wait: memory has to end somewhere.
        if (bytes + size > 2 * maxBytes) return drop(op, size)
      }
      bytes += size
      entries.push({ op, bytes: size, settle })
    },

    peek (maxRows, maxBatchBytes) {
      let end = head
      let size = 0
      while (end < entries.length && end - head < maxRows && size < maxBatchBytes) {
        size += (entries[end] as Entry).bytes
        end++
      }
      taken = end
      return entries.slice(head, end)
    },

    remove (count) {
      for (let index = head; index < head + count; index++) bytes -= (entries[index] as Entry).bytes
      head += count
      taken = head
      if (head === entries.length || head > 10_000) {
        entries = entries.slice(head)
        dropFrom = Math.max(0, dropFrom - head)
        head = taken = 0
      }
    }
  }
}

function sizeOf (op: Op<Run>): number {
  if (op.kind === 'activity') return op.message.length + (op.metadata?.length ?? 0) + (op.result?.length ?? 0)
  if (op.kind === 'end') return (op.response?.text.length ?? 0) + (op.ending.error?.length ?? 0)
  return op.kind === 'start' ? op.prompt?.text.length ?? 0 : op.message.length
}
