import { readFacts } from '../insight/activity-facts.js'
import type { Caps } from '../options.js'
import { addToJson, encodeMetadata } from './metadata.js'
import type { ActivityOp, Op, OperatedRun } from '../model/operations.js'
import { withCost, type Prices } from '../model/prices.js'
import type { Redactor } from './redact.js'
import type { PieceRedactor } from './redact-pieces.js'
import type { PieceStreams } from './piece-streams.js'
import { excerpt } from './excerpt.js'
import { capText, sanitise } from '../text/well-formed.js'
import { nextTurn, performance } from '../time/timers.js'

export interface PrepareOptions {
  readonly caps: Caps
  readonly redactor: Redactor
  readonly prices?: Prices | undefined
}

/** What preparing its operations needs of a run. */
export interface PreparedRun extends OperatedRun {
  /** Nothing more of it is written. */
  readonly isUnrecorded: boolean
  readonly pieceStreams: PieceStreams
}

/**
 * Makes queued operations ready to be stored: secrets hidden, texts within their caps, what was dropped left out.
 * Done once per operation, away from the agent's call.
 */
export function prepareOps<Run extends PreparedRun> (
  ops: ReadonlyArray<Op<Run>>, options: PrepareOptions
): ReadonlyArray<Op<Run>> {
  const kept: Array<Op<Run>> = []
  const streams = new Map<PieceRedactor, Array<ActivityOp<Run>>>()

  for (const op of ops) {
    if (isGone(op)) continue
    kept.push(op)
    if (op.kind !== 'activity' || op.isPrepared) continue
    op.message = sanitise(op.message)
    const stream = op.run.pieceStreams.find(op.type, op.metadata)
    if (stream === undefined) {
      const isCut = op.cutEnd !== undefined
      const { redactor, caps } = options
      finish(op, isCut ? redactor.head(op.message, caps.messageBytes) : redactor.text(op.message), options)
      continue
    }
    const pieces = streams.get(stream)
    if (pieces === undefined) streams.set(stream, [op])
    else pieces.push(op)
  }
  for (const [stream, pieces] of streams) {
    // What was cut off is followed as well, and dropped.
    const texts = pieces.flatMap((op) => op.cutEnd === undefined ? [op.message] : [op.message, op.cutEnd])
    const limits = pieces.flatMap((op) => op.cutEnd === undefined ? [undefined] : [options.caps.messageBytes, 0])
    const redacted = stream.pieces(texts, limits)
    let index = 0
    for (const op of pieces) {
      finish(op, redacted[index++] as string, options)
      if (op.cutEnd !== undefined) index++
    }
  }
  return kept
}

/** The event loop gets its turn back after this much work on long texts. */
const SLICE_MS = 8

/** Chooses what is kept of long results, a slice at a time; {@link prepareOps} does the rest. */
export async function prepareResults (ops: ReadonlyArray<Op<PreparedRun>>, options: PrepareOptions): Promise<void> {
  let sliceStart = performance.now()
  for (const op of ops) {
    if (op.kind !== 'activity' || op.result === undefined || isGone(op)) continue
    for (const work = shorten(op, op.result, options); work.next().done !== true;) {
      if (performance.now() - sliceStart < SLICE_MS) continue
      await nextTurn()
      sliceStart = performance.now()
    }
  }
}

/** Same at once, for one that has no place to wait. */
export function prepareResult (op: ActivityOp, options: PrepareOptions): void {
  if (op.result !== undefined) for (const work = shorten(op, op.result, options); work.next().done !== true;);
}

function * shorten (op: ActivityOp, result: string, { caps, redactor }: PrepareOptions): Generator<void> {
  const text = sanitise(result)
  const spans = yield * redactor.findSlowly(text)
  const kept = yield * excerpt(text, caps.resultBytes, spans)
  op.metadata = addToJson(op.metadata, 'result', kept)
  op.result = undefined
}

function isGone (op: Op<PreparedRun>): boolean {
  return (op.kind === 'activity' && op.isDropped) || ('run' in op && op.run.isUnrecorded)
}

function finish (op: ActivityOp, redacted: string, { caps, redactor, prices }: PrepareOptions): void {
  const { text, originalBytes } = capText(redacted, caps.messageBytes)
  op.message = text
  if (op.metadata !== null) op.metadata = redactor.json(op.metadata)
  if (originalBytes !== undefined && op.metadata?.includes('"truncated":true') !== true) {
    op.metadata = addToJson(op.metadata, 'truncated', true)
  }
  if (op.pieces > 1) op.metadata = addToJson(op.metadata, 'pieces', op.pieces)
  op.facts = readFacts(op.type, op.message, op.metadata)
  if (op.facts?.usage !== undefined) {
    const { provider, model } = op.run.meta
    op.facts = { ...op.facts, usage: withCost(op.facts.usage, prices, provider, model) }
  }
  op.isPrepared = true
}

/**
 * What `onActivity` queues: cut to its cap. What costs more follows in the batch.
 *
 * @param at milliseconds since the epoch
 */
export function activityOp<Run extends OperatedRun> (
  run: Run, type: ActivityOp['type'], message: string, metadata: unknown, at: number,
  { caps, redactor }: PrepareOptions, isDelta = false
): ActivityOp<Run> {
  const encoded = encodeMetadata(metadata, caps, redactor.head)
  const op: ActivityOp<Run> = {
    kind: 'activity',
    run,
    type,
    message,
    metadata: encoded.json,
    at,
    pieces: 1,
    isDelta,
    isDropped: false,
    isPrepared: false
  }
  if (encoded.result !== undefined) op.result = encoded.result
  if (message.length <= caps.messageBytes + MARGIN_CHARS) return op
  // What follows the cut is searched as far as a secret may reach, and the end as far as the next piece may need it.
  op.message = copyOf(message.slice(0, caps.messageBytes + MARGIN_CHARS))
  op.cutEnd = endOfCut(message)
  const isMarked = op.metadata?.includes('"truncated":true') === true
  if (!isMarked) op.metadata = addToJson(op.metadata, 'truncated', true)
  op.metadata = addToJson(op.metadata, 'originalBytes', Buffer.byteLength(message))
  return op
}

/** How much behind its cap of a message is kept until it is redacted. */
const MARGIN_CHARS = 4_096
const CUT_END_CHARS = 8_192

/** A private key that is open at the end stays open. */
function endOfCut (message: string): string {
  const end = message.slice(-CUT_END_CHARS)
  const begin = message.lastIndexOf('-----BEGIN ')
  const isOpen = begin >= 0 && begin < message.length - CUT_END_CHARS && message.indexOf('-----END ', begin) < 0
  return copyOf(isOpen ? `${message.slice(begin, begin + 64)}\n${end}` : end)
}

/** A slice would keep all of the text in memory. */
function copyOf (text: string): string {
  return Buffer.from(text, 'utf16le').toString('utf16le')
}

/** The visible row that stands for output that found no room; resets the run's count. */
export function tellDropped<Run extends OperatedRun & { droppedPieces: number, droppedBytes: number }> (
  run: Run, at: number
): ActivityOp<Run> {
  const { droppedPieces: pieces, droppedBytes: bytes } = run
  run.droppedPieces = run.droppedBytes = 0
  const message = `${pieces} pieces of output (${bytes} bytes) were not stored: they came faster than the database took them`
  return {
    kind: 'activity',
    run,
    type: 'progress',
    message,
    metadata: JSON.stringify({ kind: 'dropped', pieces, bytes }),
    at,
    pieces: 1,
    isDelta: false,
    isDropped: false,
    isPrepared: true
  }
}
