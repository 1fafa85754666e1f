import type { ActivityType } from '../model/activity.js'
import type { PieceRedactor } from './redact-pieces.js'

/** The texts of one run that arrive in pieces: what it says, thinks, prints, and so does each of its sub-agents. */
export interface PieceStreams {
  /** The text that an activity is a piece of; undefined for one that stands for itself. */
  find (type: ActivityType, metadata: string | null): PieceRedactor | undefined
}

/** So many texts are followed at once; of more, those that had a piece last. */
const MAX_STREAMS = 32

/** Starts with none; `open` begins to follow one. */
export function createPieceStreams (open: () => PieceRedactor): PieceStreams {
  /** The one that had a piece last is the last. */
  const streams = new Map<string, PieceRedactor>()
  let last: { readonly metadata: string, readonly source: string } | undefined

  function sourceOf (metadata: string): string {
    // Pieces come in a row; to parse each would double what it costs to search them.
    if (last?.metadata !== metadata) last = { metadata, source: readSource(metadata) }
    return last.source
  }

  return {
    find (type, metadata) {
      if (type === 'tool_exec') return undefined
      const key = metadata === null ? type : type + sourceOf(metadata)
      const stream = streams.get(key) ?? open()
      streams.delete(key)
      streams.set(key, stream)
      if (streams.size > MAX_STREAMS) streams.delete(streams.keys().next().value as string)
      return stream
    }
  }
}

/** The rest of the metadata may change from piece to piece: counts, times. */
function readSource (metadata: string): string {
  const { parentCallId, callId, kind } = JSON.parse(metadata)
  return JSON.stringify([parentCallId, callId, kind].map((id) => typeof id === 'string' ? id : null))
}
