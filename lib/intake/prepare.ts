import { readFacts } from '../insight/activity-facts.js'
import type { Caps } from '../options.js'
import { addToJson, encodeMetadata } from './metadata.js'
import type { InvocationMeta } from '../model/invocation-meta.js'
import type { ActivityOp, EndOp, Op, OperatedRun, StartOp } from '../model/operations.js'
import { withCost, type Prices } from '../model/prices.js'
import type { Redactor } from './redact.js'
import type { PieceRedactor } from './redact-pieces.js'
import type { PieceStreams } from './piece-streams.js'
import { cleanSlowly } from './clean-text.js'
import { excerpt } from './excerpt.js'
import { capText, sanitise } from '../text/well-formed.js'
import { atOnce, inSlices } from './slices.js'

export interface PrepareOptions {
  readonly caps: Caps
  readonly redactor: Redactor
  readonly prices?: Prices | undefined
}

/** What preparing its operations needs of a run. */
export interface PreparedRun extends OperatedRun {
  meta: InvocationMeta
  /** Nothing more of it is written. */
  readonly isUnrecorded: boolean
  readonly pieceStreams: PieceStreams
}

/**
 * Makes queued operations ready to be stored: secrets hidden, texts within their caps, what was dropped left out.
 * Done once per operation, away from the agent's call, and in slices: a batch may hold megabytes.
 */
export async function prepareOps<Run extends PreparedRun> (
  ops: ReadonlyArray<Op<Run>>, options: PrepareOptions
): Promise<ReadonlyArray<Op<Run>>> {
  await inSlices(prepareAll(ops, options))
  return ops.filter((op) => !isGone(op))
}

function * prepareAll<Run extends PreparedRun> (ops: ReadonlyArray<Op<Run>>, options: PrepareOptions): Generator<void> {
  const { caps, redactor } = options
  const streams = new Map<PieceRedactor, Array<ActivityOp<Run>>>()

  for (const op of ops) {
    if (isGone(op)) continue
    if (op.kind === 'start' || op.kind === 'end') yield * prepareText(op, options)
    if (op.kind !== 'activity') continue
    if (op.result !== undefined) yield * shorten(op, op.result, options)
    if (op.isPrepared) continue
    op.message = sanitise(op.message)
    const stream = op.run.pieceStreams.find(op.type, op.metadata)
    if (stream === undefined) {
      const isCut = op.cutEnd !== undefined
      finish(op, yield * redactor.headSlowly(op.message, isCut ? caps.messageBytes : op.message.length), options)
      yield
      continue
    }
    const pieces = streams.get(stream)
    if (pieces === undefined) streams.set(stream, [op])
    else pieces.push(op)
  }
  for (const [stream, pieces] of streams) {
    for (const some of portionsOf(pieces)) {
      preparePieces(stream, some, options)
      yield
    }
  }
}

/** Pieces that are searched as one text, in characters: those of a batch that are more are told from one another. */
const PORTION_CHARS = 65_536

function * portionsOf (pieces: readonly ActivityOp[]): Generator<readonly ActivityOp[]> {
  let portion: ActivityOp[] = []
  let chars = 0
  for (const op of pieces) {
    if (portion.length > 0 && chars + op.message.length > PORTION_CHARS) {
      yield portion
      portion = []
      chars = 0
    }
    portion.push(op)
    chars += op.message.length
  }
  if (portion.length > 0) yield portion
}

function preparePieces (stream: PieceRedactor, pieces: readonly ActivityOp[], options: PrepareOptions): void {
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

/** The long text that a run begins or ends with. */
function * prepareText (
  op: StartOp<PreparedRun> | EndOp<PreparedRun>, { caps, redactor }: PrepareOptions
): Generator<void> {
  if (op.kind === 'start' && op.prompt !== undefined) {
    const prompt = yield * cleanSlowly(redactor, op.prompt, caps.promptBytes)
    op.run.meta = { ...op.run.meta, prompt }
    op.prompt = undefined
  } else if (op.kind === 'end' && op.response !== undefined) {
    op.ending = { ...op.ending, response: yield * cleanSlowly(redactor, op.response, caps.responseBytes) }
    op.response = undefined
  }
}

/** Chooses what is kept of a long result, for one that has no place to wait; {@link prepareOps} does the rest. */
export function prepareResult (op: ActivityOp, options: PrepareOptions): void {
  if (op.result !== undefined) atOnce(shorten(op, op.result, options))
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
