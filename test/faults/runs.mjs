import { activityOf, isPiece, storedMetadata, storedText } from './content.mjs'
import { readLedger } from './ledger.mjs'

const TERMINAL = new Map([
  ['invocation.completed', 'complete'], ['invocation.failed', 'fail'], ['invocation.timeout', 'timedOut']
])

/** Follows every invocation through the log, row by row, and compares it with what its runner meant. */
export class Runs {
  #byId = new Map()
  #byKey = new Map()
  #notes = new Map()
  /** Calls that were open when their run ended. */
  #left = []
  #violations
  late = 0
  joined = 0
  lost = 0

  constructor (violations) {
    this.#violations = violations
  }

  /** Rows come in the order of their log. */
  take (row, event) {
    const { kind, invocation_id: id } = row
    if (kind.startsWith('task.')) {
      if (kind === 'task.note') this.#notes.set(row.message, (this.#notes.get(row.message) ?? 0) + 1)
      return
    }
    if (kind === 'invocation.started') return this.#start(id, event)
    const run = this.#byId.get(id)
    if (run === undefined) return this.#tell(`${row.task_id} ${row.seq} belongs to a run that never began: ${id}`)
    if (TERMINAL.has(kind)) this.#end(run, kind, event, row)
    else if (run.key !== 'host') this.#activity(run, row, event)
  }

  #tell (what) {
    this.#violations.push(what)
  }

  #start (id, event) {
    const key = event.model
    if (this.#byId.has(id)) this.#tell(`invocation ${id} began twice`)
    if (key !== 'host' && this.#byKey.has(key)) this.#tell(`the run ${key} is in the log twice`)
    const run = { id, key, next: 0, open: new Map(), end: undefined, reason: undefined }
    this.#byId.set(id, run)
    this.#byKey.set(key, run)
  }

  #end (run, kind, event, { task_id: taskId, epoch, at }) {
    if (run.end !== undefined) this.#tell(`${run.key} ended twice`)
    for (const [callId, seq] of run.open) this.#left.push({ key: run.key, callId, log: `${taskId} ${epoch}`, seq, at })
    run.end = TERMINAL.get(kind)
    run.reason = event.reason
    if (run.reason === 'lost') this.lost++
  }

  #activity (run, row, event) {
    const { callId, phase, status, pieces = 1, late, truncated, originalBytes, ...metadata } = event.metadata ?? {}
    if ((late === true) !== (run.end !== undefined)) this.#tell(`${run.key} ${row.seq}: late is ${late}, its end ${run.end}`)
    if (late === true) this.late++
    if (status === 'aborted') {
      if (phase !== 'end' || !run.open.delete(callId)) this.#tell(`${run.key}: ${callId} was aborted without being open`)
      return
    }
    // One loss is told once.
    const first = Number(/#(\d+)\]/.exec(row.message)?.[1])
    if (first > run.next && row.message.includes(`[${run.key}#`)) {
      this.#tell(`${run.key}: activities ${run.next} to ${first - 1} were skipped`)
      run.next = first
    }
    const meant = Array.from({ length: pieces }, (_, index) => activityOf(run.key, run.next + index))
    if (pieces > 1) this.joined++
    run.next += pieces
    if (pieces > 1 && !meant.every(isPiece)) this.#tell(`${run.key} joined what must not be joined at ${run.next}`)
    const { text, isCut } = storedText(meant.map(({ message }) => message).join(''))
    const [{ type }] = meant
    const isSame = row.kind === type && row.message === text && (truncated === true) === isCut
    const given = storedMetadata({ callId, phase, status, ...metadata })
    if (!isSame || !areEqual(given, storedMetadata(meant[0].metadata))) {
      this.#tell(`${run.key}: activity ${run.next - pieces} is not what was meant: ${JSON.stringify(event).slice(0, 300)} instead of ${JSON.stringify(meant[0]).slice(0, 300)}`)
    }
    if (late !== true && phase === 'start') run.open.set(callId, row.seq)
    if (phase === 'end') run.open.delete(callId)
  }

  /** No call stays open after its run, as far as its start was still there to be seen. */
  checkOpenCalls (logs) {
    for (const { key, callId, log, seq, at } of this.#left) {
      if (!logs.get(log).wasDeleted(seq, at)) this.#tell(`${key} ended and ${callId} stayed open`)
    }
  }

  /**
   * acknowledged ⊆ log ⊆ produced.
   *
   * @param {Map<string, { path: string, wasKilled: boolean }>} ledgers by the name of the process's life
   * @param {Map<number, number>} deletions of runs: when, by id
   */
  compare (ledgers, deletions) {
    const told = { acknowledged: 0, refused: 0, lostCommits: 0, refusedCommits: 0, unacknowledged: 0 }
    const known = new Map()
    const notes = new Map()
    for (const { path, wasKilled } of ledgers.values()) this.#read(path, wasKilled, known, notes, told)
    for (const [key, run] of this.#byKey) {
      if (key === 'host') continue
      const life = known.get(key)
      if (life === undefined || run.next > life.produced) this.#tell(`${key} has ${run.next} activities, ${life?.produced} were produced`)
      if (run.reason === 'lost' && !life.wasKilled) this.#tell(`${key} was called lost while its process lived`)
      const isGone = deletions.has(run.id)
      if (run.end === undefined && !isGone) this.#tell(`${key} has no end`)
      const isOwn = run.reason !== 'lost' && run.end !== undefined
      if (isOwn && run.end !== life.end) this.#tell(`${key} ended with ${run.end}, meant was ${life.end}`)
    }
    for (const [key, life] of known) this.#compareRun(key, life, deletions, told)
    for (const [id, count] of this.#notes) {
      if (count > 1 || !notes.has(id)) this.#tell(`${id} is in the log ${count} times, produced: ${notes.has(id)}`)
    }
    for (const [id, isAcknowledged] of notes) {
      if (isAcknowledged && !this.#notes.has(id)) this.#tell(`${id} was acknowledged and is not in the log`)
    }
    return told
  }

  #compareRun (key, life, deletions, told) {
    const run = this.#byKey.get(key)
    const { id, acknowledged, acknowledgedAt, hasEnded } = life
    told.acknowledged += acknowledged
    told.unacknowledged += life.produced - acknowledged
    if (run === undefined) {
      if (id !== undefined || acknowledged > 0 || hasEnded) this.#tell(`${key} was acknowledged and is not in the log`)
      return
    }
    if (id !== undefined && id !== String(run.id)) this.#tell(`${key} was told to be ${id} and is ${run.id}`)
    // What comes after the host has deleted the run is not stored, and owed to nobody.
    const wasDeleted = deletions.get(run.id) <= acknowledgedAt
    if (run.next < acknowledged && !wasDeleted) this.#tell(`${key}: ${acknowledged} activities were acknowledged, ${run.next} are in the log`)
    if (hasEnded && (run.end === undefined || run.reason === 'lost')) this.#tell(`${key}: its end was acknowledged, the log has ${run.end} ${run.reason ?? ''}`)
  }

  #read (path, wasKilled, known, notes, told) {
    for (const { at, words: [what, key, value] } of readLedger(path)) {
      const life = known.get(key)
      if (what === 'S') known.set(key, { wasKilled, produced: 0, acknowledged: 0, acknowledgedAt: 0 })
      else if (what === 's') life.id = value || undefined
      else if (what === 'P') life.produced = Number(value)
      else if (what === 'A') Object.assign(life, { acknowledged: Number(value), acknowledgedAt: at })
      else if (what === 'E') life.end = value
      else if (what === 'e') life.hasEnded = true
      else if (what === 'T') notes.set(value, false)
      else if (what === 'a') notes.set(key, true)
      else if (what === 'x') told.refused++
      else if (what === 'L') told.lostCommits++
      else if (what === 'B') told.refusedCommits++
    }
  }
}

function areEqual (one, other) {
  const sorted = (value) => JSON.stringify(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1))
  return sorted(one) === sorted(other)
}
