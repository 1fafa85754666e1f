import type { ToolKind } from '../model/activity.js'
import type { CallEnd, CallEndStatus, CallStart, FirstError } from '../model/activity-facts.js'
import { followActivity, openSeqOf, type CallPairing, type PairedCall, type Progress } from './progress.js'
import type { CallSpan } from './run-bins.js'
import { countCall, countEnd, countRecent, isFailed, spendUntil, type RunTally } from './tally.js'

/** A tool call as it is stored, by the number of its start. */
export interface CallRow {
  readonly seq: number
  readonly invocationId: number
  readonly callId: string
  readonly use: number
  readonly parentSeq: number | null
  readonly kind: ToolKind
  readonly name: string
  readonly message: string
  readonly chain: string | null
  readonly hash: string
  /** The time that it asked for, in milliseconds. */
  readonly timeoutMs: number | null
  readonly isPoll: boolean
  /** Milliseconds since the epoch. */
  readonly startedAt: number
  readonly path: string | null
  isBackground: boolean
  /** Undefined while it runs. */
  ending?: CallEnding
}

/** How a call ended. */
export interface CallEnding {
  readonly endSeq: number | null
  readonly status: CallEndStatus
  readonly exitCode: number | null
  readonly durationMs: number
  readonly resultHash: string | null
  readonly firstError: FirstError | null
  readonly path: string | null
  readonly added: number | null
  readonly removed: number | null
}

/** What a run has done to a file since the batch before. */
export interface FileChange {
  readonly invocationId: number
  readonly path: string
  edits: number
  added: number | null
  removed: number | null
  isNew: boolean
}

/** What a run is in the middle of, and what it has done. */
export interface RunCourse {
  readonly progress: Progress
  readonly tally: RunTally
}

/** An activity that has its number. */
export interface NumberedActivity {
  readonly type: string
  readonly message: string
  /** JSON. */
  readonly metadata: string | null
  /** Milliseconds since the epoch. */
  readonly at: number
  readonly seq: number
  /** What it says of a call. */
  readonly call?: CallStart | CallEnd | undefined
}

/**
 * Follows the activities of a batch, and keeps what they change of the calls: those that started, with their end where
 * it came, too; ends of earlier ones by the number of their start; files. This is where starts and ends are paired.
 */
export class CallChanges {
  readonly started = new Map<number, CallRow>()
  readonly ended = new Map<number, CallEnding>()
  readonly movedToBackground = new Set<number>()
  /** Of the calls that ended. */
  readonly spans: Array<CallSpan & { readonly invocationId: number }> = []
  readonly #files = new Map<string, FileChange>()

  get files (): IterableIterator<FileChange> {
    return this.#files.values()
  }

  /** @returns whether what is stored of the run's progress is outdated now */
  follow ({ progress, tally }: RunCourse, invocationId: number, activity: NumberedActivity): boolean {
    const { call, seq, at } = activity
    spendUntil(tally, progress, at)
    countRecent(tally, at)
    const pairing: CallPairing = {
      started: () => {
        if (call?.phase !== 'start') return
        countCall(tally, call.kind)
        this.started.set(seq, toRow(call, invocationId, seq, at, progress))
      },
      ended: (open) => {
        if (call?.phase !== 'end') return
        countEnd(tally, open.kind ?? 'other', call.status)
        this.#end(open, call, invocationId, seq, at)
      },
      movedToBackground: ({ seq: startSeq }) => {
        if (startSeq === undefined) return
        const row = this.started.get(startSeq)
        if (row === undefined) this.movedToBackground.add(startSeq)
        else row.isBackground = true
      }
    }
    const callKind = call?.phase === 'start' ? call.kind : undefined
    return followActivity(progress, { ...activity, callKind }, pairing)
  }

  #end (open: PairedCall, call: CallEnd, invocationId: number, endSeq: number, at: number): void {
    if (open.seq === undefined) return
    const [file] = call.files
    const ending: CallEnding = {
      endSeq,
      status: call.status,
      exitCode: call.exitCode,
      durationMs: call.durationMs ?? Math.max(0, at - open.startedAt),
      resultHash: call.resultHash,
      firstError: call.firstError ?? null,
      path: file?.path ?? null,
      added: file?.added ?? null,
      removed: file?.removed ?? null
    }
    this.spans.push({
      invocationId,
      startedAt: open.startedAt,
      durationMs: ending.durationMs,
      kind: open.kind ?? 'other',
      isFailed: isFailed(call.status)
    })
    const row = this.started.get(open.seq)
    if (row === undefined) this.ended.set(open.seq, ending)
    else row.ending = ending
    if (call.status === 'ok') for (const touched of call.files) this.#touch(invocationId, touched)
  }

  #touch (invocationId: number, { path, added, removed, isNew }: CallEnd['files'][number]): void {
    const key = `${invocationId} ${path}`
    const known = this.#files.get(key)
    if (known === undefined) {
      this.#files.set(key, { invocationId, path, edits: 1, added: added ?? null, removed: removed ?? null, isNew })
      return
    }
    known.edits++
    known.isNew ||= isNew
    if (added !== undefined) known.added = (known.added ?? 0) + added
    if (removed !== undefined) known.removed = (known.removed ?? 0) + removed
  }
}

function toRow (call: CallStart, invocationId: number, seq: number, at: number, progress: Progress): CallRow {
  return {
    seq,
    invocationId,
    callId: call.callId,
    use: call.use ?? 1,
    parentSeq: call.parentCallId === undefined ? null : openSeqOf(progress, call.parentCallId) ?? null,
    kind: call.kind,
    name: call.name,
    message: call.message,
    chain: call.chain,
    hash: call.hash,
    timeoutMs: call.timeoutMs,
    isPoll: call.isPoll,
    startedAt: at,
    path: call.files[0]?.path ?? null,
    isBackground: call.isBackground
  }
}
