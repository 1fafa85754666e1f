import { ApiError } from '../connection/api.js'
import type { TimelineSession } from '../session.js'
import { eventHas, isEventMurmur, rowHas } from '../store/find.js'
import { lowerBound } from '../store/rows.js'

/** What is known of a search so far. */
export interface Findings {
  /** Small letters; empty where nothing is looked for. */
  readonly text: string
  /** Numbers of events, ascending. */
  readonly seqs: readonly number[]
  /** More may come. */
  readonly isSearching: boolean
  /** Only what is loaded was looked through. */
  readonly isPartial: boolean
}

const NOTHING: Findings = { text: '', seqs: [], isSearching: false, isPartial: false }
/** Somebody still types. */
const TYPING_MS = 150
/** How long the page may be kept from other work. */
const SLICE_MS = 8
const PAGE_LIMIT = 200
/** Nobody steps through more. */
const MAX_FOUND = 2_000
/** What one letter finds is everything. */
const MIN_SERVER_CHARS = 2

/** Looks for a text in a whole task: in the rows that are here at once, in all others by the server. */
export class TaskFinder {
  findings = NOTHING
  readonly #session: TimelineSession
  readonly #onChange: () => void
  #run: AbortController | undefined
  /** What came after it was not looked through. */
  #seenSeq = Infinity

  constructor (session: TimelineSession, onChange: () => void) {
    this.#session = session
    this.#onChange = onChange
  }

  /** Begins anew; an empty text finds nothing. */
  look (text: string): void {
    this.close()
    this.#seenSeq = Infinity
    const lowerText = text.trim().toLowerCase()
    this.findings = { ...NOTHING, text: lowerText, isSearching: lowerText !== '' }
    this.#onChange()
    if (lowerText === '') return
    const { signal } = this.#run = new AbortController()
    this.#lookEverywhere(lowerText, signal).catch((error: unknown) => {
      // Rows that are here have been found; what is elsewhere cannot be asked for now.
      const isPartial = error instanceof ApiError || error instanceof TypeError
      if (!signal.aborted) this.#set({ isSearching: false, isPartial })
    })
  }

  /** Looks through what came meanwhile. */
  extend (): void {
    const { rows, runsById, lastSeq } = this.#session.state
    const { text, seqs } = this.findings
    if (lastSeq <= this.#seenSeq) return
    const news = rows.slice(lowerBound(rows, this.#seenSeq + 1)).filter((row) => rowHas(row, runsById, text))
    this.#seenSeq = lastSeq
    if (news.length > 0) this.#set({ seqs: [...seqs, ...news.map(({ seq }) => seq)] })
  }

  close (): void {
    this.#run?.abort()
  }

  /** The next or previous of what was found, round and round. */
  next (fromSeq: number, isForward: boolean): number | undefined {
    const { seqs } = this.findings
    return isForward
      ? seqs.find((seq) => seq > fromSeq) ?? seqs[0]
      : seqs.findLast((seq) => seq < fromSeq) ?? seqs.at(-1)
  }

  async #lookEverywhere (text: string, signal: AbortSignal): Promise<void> {
    await pause(TYPING_MS)
    if (signal.aborted) return
    const { rows, runsById, isDetached, hasOlder, lastSeq } = this.#session.state
    const [first = Infinity, last = 0] = [rows[0]?.seq, rows.at(-1)?.seq]
    const found: number[] = []
    let until = performance.now() + SLICE_MS
    for (const row of rows) {
      if (rowHas(row, runsById, text)) found.push(row.seq)
      if (performance.now() < until) continue
      await pause(0)
      if (signal.aborted) return
      until = performance.now() + SLICE_MS
    }
    this.#seenSeq = lastSeq
    const hasMore = hasOlder || isDetached
    const isLong = text.length >= MIN_SERVER_CHARS
    this.#set({ seqs: found, isSearching: hasMore && isLong, isPartial: hasMore && !isLong })
    if (!this.findings.isSearching) return
    if (hasOlder) await this.#ask(text, 0, first, signal)
    if (isDetached) await this.#ask(text, last, Infinity, signal)
    if (!signal.aborted) this.#set({ isSearching: false })
  }

  /** What lies after one number and before another. */
  async #ask (text: string, afterSeq: number, beforeSeq: number, signal: AbortSignal): Promise<void> {
    let after: number | undefined = afterSeq
    /** Both halves of a call are one row. */
    const calls = new Set<string>()
    while (after !== undefined && after < beforeSeq - 1) {
      const { timeline, page } = await this.#session.find(text, after, PAGE_LIMIT, signal)
      const found: number[] = []
      for (const event of timeline) {
        if (event.seq >= beforeSeq) break
        if (!eventHas(event, text)) return this.#set({ isPartial: true, isSearching: false })
        if (isEventMurmur(event)) continue
        const { callId, use = '' } = event.type === 'invocation.activity' ? event.metadata ?? {} : {}
        if (typeof callId === 'string') {
          const key = `${(event as { invocationId: number }).invocationId} ${callId} ${String(use)}`
          if (calls.has(key)) continue
          calls.add(key)
        }
        found.push(event.seq)
      }
      const seqs = [...new Set([...this.findings.seqs, ...found])].sort((a, b) => a - b)
      if (seqs.length >= MAX_FOUND) return this.#set({ seqs, isSearching: false, isPartial: true })
      this.#set({ seqs })
      after = page.nextAfter ?? (page.hasMore ? page.lastSeq : undefined)
    }
  }

  #set (changed: Partial<Findings>): void {
    this.findings = { ...this.findings, ...changed }
    this.#onChange()
  }
}

async function pause (ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms))
}
