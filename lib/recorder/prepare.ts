import type { Caps } from '../options.js'
import { addToJson, encodeMetadata } from './metadata.js'
import type { ActivityOp, Op } from './queue.js'
import type { Redactor } from './redact.js'
import type { PieceRedactor } from './redact-pieces.js'
import type { Run } from './run.js'
import { MARGIN_BYTES } from './clean-text.js'
import { capText, sanitise } from './text.js'

export interface PrepareOptions {
  readonly caps: Caps
  readonly redactor: Redactor
}

/**
 * Makes queued operations ready to be stored: secrets hidden, texts within their caps, what was dropped left out.
 * Done once per operation, away from the agent's call.
 */
export function prepareOps (ops: readonly Op[], options: PrepareOptions): readonly Op[] {
  const kept: Op[] = []
  const streams = new Map<PieceRedactor, ActivityOp[]>()

  for (const op of ops) {
    if (isGone(op)) continue
    kept.push(op)
    if (op.kind !== 'activity' || op.isPrepared) continue
    op.message = sanitise(op.message)
    const stream = op.run.pieceStreams.find(op.type, op.metadata)
    if (stream === undefined) {
      finish(op, options.redactor.text(op.message), options)
      continue
    }
    const pieces = streams.get(stream)
    if (pieces === undefined) streams.set(stream, [op])
    else pieces.push(op)
  }
  for (const [stream, pieces] of streams) {
    const redacted = stream.pieces(pieces.map((op) => op.message))
    pieces.forEach((op, index) => finish(op, redacted[index] as string, options))
  }
  return kept
}

function isGone (op: Op): boolean {
  return (op.kind === 'activity' && op.isDropped) || ('run' in op && op.run.isUnrecorded)
}

function finish (op: ActivityOp, redacted: string, { caps, redactor }: PrepareOptions): void {
  const { text, originalBytes } = capText(redacted, caps.messageBytes)
  op.message = text
  if (op.metadata !== null) op.metadata = redactor.json(op.metadata)
  if (originalBytes !== undefined && op.metadata?.includes('"truncated":true') !== true) {
    op.metadata = addToJson(op.metadata, 'truncated', true)
  }
  if (op.pieces > 1) op.metadata = addToJson(op.metadata, 'pieces', op.pieces)
  op.isPrepared = true
}

/**
 * What `onActivity` queues: cut to its cap. What costs more follows in the batch.
 *
 * @param at milliseconds since the epoch
 */
export function activityOp (
  run: Run, type: ActivityOp['type'], message: string, metadata: unknown, at: number,
  { caps, redactor }: PrepareOptions
): ActivityOp {
  const { text, originalBytes } = capText(message, caps.messageBytes + MARGIN_BYTES)
  let json = encodeMetadata(metadata, caps.metadataBytes, redactor.beforeCut)
  if (originalBytes !== undefined) {
    json = addToJson(addToJson(json, 'truncated', true), 'originalBytes', originalBytes)
  }
  return {
    kind: 'activity', run, type, message: text, metadata: json, at, pieces: 1, isDropped: false, isPrepared: false
  }
}

/** The visible row that stands for output that found no room; resets the run's count. */
export function tellDropped (run: Run, at: number): ActivityOp {
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
    isDropped: false,
    isPrepared: true
  }
}
